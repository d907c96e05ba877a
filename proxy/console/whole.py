"""The one place where the console's pages are joined."""

import os
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from proxy.console import (
    audit_pages,
    bulk_pages,
    client_form_pages,
    client_register_pages,
    clients_pages,
    codes_pages,
    drafts_pages,
    explain_pages,
    hits_pages,
    import_pages,
    keys_pages,
    locality_pages,
    objects_pages,
    people_pages,
    portal_texts_pages,
    preview_pages,
    readiness_pages,
    rule_edit_pages,
    rule_pages,
    rules_pages,
    schedule_pages,
    sign_outs_pages,
    work_pages,
)
from proxy.console.api import Api
from proxy.console.app import Console
from proxy.console.broker import upstream_of
from proxy.console.broker_entrance import BrokerEntrance
from proxy.console.calls import Route
from proxy.console.desk import Desk
from proxy.console.entrance import Entrance
from proxy.console.pages import ConsolePages

ROUTES: Final[Sequence[Route]] = (
    *explain_pages.ROUTES,
    *rules_pages.ROUTES,
    *rule_edit_pages.ROUTES,
    *rule_pages.ROUTES,
    *preview_pages.ROUTES,
    *bulk_pages.ROUTES,
    *import_pages.ROUTES,
    *drafts_pages.ROUTES,
    *hits_pages.ROUTES,
    *objects_pages.ROUTES,
    *schedule_pages.ROUTES,
    *portal_texts_pages.ROUTES,
    *locality_pages.ROUTES,
    *client_form_pages.ROUTES,
    *client_register_pages.ROUTES,
    *keys_pages.ROUTES,
    *codes_pages.ROUTES,
    *sign_outs_pages.ROUTES,
    *clients_pages.ROUTES,
    *readiness_pages.ROUTES,
    *audit_pages.ROUTES,
    *people_pages.ROUTES,
    *work_pages.ROUTES,
)
"""Every page of officers."""


def create_console(desk: Desk, *, secure: bool) -> web.Application:
    """The console, complete, not yet listening.  Raises Problems where it cannot be a client of the broker."""
    console = Console(desk, ConsolePages(), ROUTES, secure)
    app = console.application()
    by_broker = desk.settings.console.by_broker
    broker = BrokerEntrance(console, upstream_of(desk.settings, os.environ)) if by_broker else None
    Entrance(console, broker).add_to(app)
    Api(console).add_to(app)
    return app
