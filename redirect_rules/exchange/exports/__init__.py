"""Rules as other servers and spreadsheets read them.  Writers take simple values, and say what they leave out."""
