"""The steps, each a module; never edited once released."""
