"""Every operation of the API, under /api/v1."""

from typing import Final

from proxy.console import (
    api_clients,
    api_drafts,
    api_objects,
    api_people,
    api_portal_texts,
    api_records,
    api_rules,
    api_settlements,
    api_work,
)

ENDPOINTS: Final = (
    *api_rules.ENDPOINTS,
    *api_drafts.ENDPOINTS,
    *api_work.ENDPOINTS,
    *api_objects.ENDPOINTS,
    *api_portal_texts.ENDPOINTS,
    *api_settlements.ENDPOINTS,
    *api_clients.ENDPOINTS,
    *api_records.ENDPOINTS,
    *api_people.ENDPOINTS,
)
