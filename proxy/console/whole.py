"""The one place where the console's pages are joined."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from proxy.console import (
    audit_pages,
    bulk_pages,
    drafts_pages,
    explain_pages,
    hits_pages,
    import_pages,
    objects_pages,
    people_pages,
    readiness_pages,
    rules_pages,
    work_pages,
)
from proxy.console.api import Api
from proxy.console.app import Console
from proxy.console.calls import Route
from proxy.console.desk import Desk
from proxy.console.entrance import Entrance
from proxy.console.pages import ConsolePages

ROUTES: Final[Sequence[Route]] = (
    *explain_pages.ROUTES,
    *rules_pages.ROUTES,
    *bulk_pages.ROUTES,
    *import_pages.ROUTES,
    *drafts_pages.ROUTES,
    *hits_pages.ROUTES,
    *objects_pages.ROUTES,
    *readiness_pages.ROUTES,
    *audit_pages.ROUTES,
    *people_pages.ROUTES,
    *work_pages.ROUTES,
)
"""Every page of officers."""


def create_console(desk: Desk, *, secure: bool) -> web.Application:
    """The console, complete, not yet listening."""
    console = Console(desk, ConsolePages(), ROUTES, secure)
    app = console.application()
    Entrance(console).add_to(app)
    Api(console).add_to(app)
    return app
