"""The edge: every socket of the program, and the one place where its parts are joined.

Nothing below this package opens a connection or reads a clock; nothing else imports aiohttp.web.
"""

__version__ = "0.1.0"
