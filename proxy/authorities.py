"""The certificate authorities that this machine trusts, read when we first ask a server by TLS, and not before.

aiohttp makes two contexts while it is imported, and for them reads every authority there is, twice: some fifty
milliseconds of a start, which an edge that only sends visitors away never needs.  Importing this module imports aiohttp
where OpenSSL finds none (`SSL_CERT_FILE`, `SSL_CERT_DIR`: SSL_CTX_set_default_verify_paths(3)); aiohttp's own contexts
then trust nobody.  Our clients are handed `trusting()`, and a test sees that each of them is.
"""

import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

_WHERE: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def _nowhere() -> Iterator[None]:
    """Contexts that are made inside find no authority, and so verify nobody."""
    named = {name: os.environ[name] for name in _WHERE if name in os.environ}
    os.environ.update(dict.fromkeys(_WHERE, os.devnull))
    try:
        yield
    finally:
        for name in _WHERE:
            del os.environ[name]
        os.environ.update(named)


if "aiohttp" not in sys.modules:  # else there may be other threads already, which look for authorities
    with _nowhere():
        import aiohttp  # noqa: F401 - its import is what this is about


@cache
def trusting() -> ssl.SSLContext:
    """A context for our clients: it verifies servers, by the authorities of this machine and by their names.

    The first call reads them, in some thirty milliseconds: whoever knows that it will be needed calls it before there
    is anybody to wait for it, and before processes are forked that are to share what was read.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
