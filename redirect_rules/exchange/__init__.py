"""Rules in the formats people have: spreadsheets, and the configuration of other servers, both ways.

Pure: bytes and text in, values out.  `reading` reads a file into rows, `outcomes` says what importing them would do,
`exports` writes them for people and for other edges.  What a file cannot say here is a problem with its line and what
to write instead, never left out in silence.
"""
