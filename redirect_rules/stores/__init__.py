"""Where rules are kept: the only part of the rules that knows a database."""
