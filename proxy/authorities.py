"""The certificate authorities that this machine trusts, read when the first server is asked by TLS, and not before.

aiohttp makes the contexts of its clients while it is imported, and for them reads every authority there is, twice: a
fifth of a start and some megabytes, which an edge that only sends visitors away never needs.  Importing this module
imports aiohttp's, with a context that reads them when it is used first; whoever knows that it will be used calls `read`
before there is anybody to wait for it.  Where aiohttp was imported before, everything is as it always was.
"""

import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class PatientContext(ssl.SSLContext):
    """What `ssl.create_default_context` makes for clients, but for the authorities: they are read before its first use.

    Refuses every server until then, as a context without authorities does.
    """

    _lock = threading.Lock()
    _wanted = False

    def set_default_verify_paths(self) -> None:
        """Note that they are wanted."""
        self._wanted = True

    def read(self) -> None:
        """Read them, unless they are read: some tens of milliseconds."""
        with self._lock:
            if self._wanted:
                super().set_default_verify_paths()
                self._wanted = False

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """See SSLContext."""
        self.read()
        return super().wrap_bio(*given, **named)

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        """See SSLContext."""
        self.read()
        return super().wrap_socket(*given, **named)


def _client_context(*given: Any, **named: Any) -> ssl.SSLContext:
    """In place of `ssl.create_default_context`, as aiohttp calls it: without arguments."""
    if given or named:
        return _create_default_context(*given, **named)
    context = PatientContext(ssl.PROTOCOL_TLS_CLIENT)  # which verifies, and the host's name too
    context.load_default_certs()
    return context


def _nothing(_context: ssl.SSLContext) -> None:
    """A context that verifies nobody needs no authorities."""


_create_default_context = ssl.create_default_context


@contextmanager
def _unread() -> Iterator[None]:
    """Contexts that are made inside wait with reading."""
    ssl.create_default_context = _client_context
    ssl.SSLContext.set_default_verify_paths = _nothing  # type: ignore[assignment]  # a method in place of its like, for one import
    try:
        yield
    finally:
        ssl.create_default_context = _create_default_context
        del ssl.SSLContext.set_default_verify_paths  # the one that it inherits is seen again


if "aiohttp" not in sys.modules:
    with _unread():
        import aiohttp.connector
else:
    import aiohttp.connector


def read() -> None:
    """Read them now, for the clients of this process and of those that are forked from it."""
    context = aiohttp.connector._SSL_CONTEXT_VERIFIED  # noqa: SLF001 - pinned, and a test sees whether it is there
    if isinstance(context, PatientContext):
        context.read()
