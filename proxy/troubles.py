"""What cannot be served, in words: a page for people, a problem for programs."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp.web import BaseRequest, Response

from proxy import responses, views
from proxy.pages import Pages
from proxy.passing import failures
from proxy.presentation import Presenter
from proxy.responses import NO_STORE
from redirect_rules.decision import Decision
from redirect_rules.model import ClientClass

RETRY_SECONDS: Final = 300
"""How soon a service that is being moved is worth another try."""

OF_FAILURES: Final[Mapping[failures.Reason, views.TroubleReason]] = {
    "bad-request": "bad-request",
    "body-unreadable": "request-slow",
    "body-slow": "request-slow",
    "body-too-large": "body-too-large",
    "expectation": "bad-request",
    "bad-answer": "upstream-failed",
    "unreachable": "upstream-down",
    "address-refused": "upstream-down",
    "busy": "upstream-busy",
    "resting": "upstream-busy",
    "draining": "upstream-busy",
    "late": "upstream-late",
    "loop": "upstream-down",
}
"""What visitors are told; operators are told the reason itself, in the log and in the metrics."""

_RETRIES: Final = {"too-many-connections": 30, "overloaded": 30}  # seconds, where five minutes would be too long
_PROGRAMS = frozenset({ClientClass.XHR, ClientClass.API})


@dataclass(frozen=True, slots=True)
class Troubles:
    """Says what is wrong."""

    pages: Pages
    presenter: Presenter
    clock: Callable[[], datetime]

    def answer(
        self,
        request: responses.Asked,
        status: int,
        reason: views.TroubleReason,
        request_id: str,
        *,
        decision: Decision | None = None,
        retry_seconds: int | None = None,
        sign_in: str = "",
    ) -> Response:
        """A request we cannot serve, in words: a page for people, a problem for programs.

        `sign_in`: the path of this host that begins a sign-in, where that helps.
        """
        headers = responses.common_headers(request_id) | {"Cache-Control": NO_STORE}
        retry = retry_seconds or _RETRIES.get(reason, RETRY_SECONDS if status == 503 else None)
        if retry is not None:
            headers["Retry-After"] = str(retry)
        if status == 405:
            headers["Allow"] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        language = self.pages.choose_language(request.headers.get("Accept-Language", ""), None)
        asks_for_problem = _prefers_problem(request) if decision is None else decision.client in _PROGRAMS
        if asks_for_problem:
            extension = {"sign_in": sign_in} if sign_in else {}
            return responses.problem(status, reason, "See `title`.", extension, headers)
        portal = self.presenter.facts(decision.portal) if decision is not None else None
        target = self.presenter.home(self.clock())
        view = views.Trouble(status, reason, request_id, portal, target, retry, sign_in)
        page = self.pages.soon(view, language, _afterwards)
        response = responses.page(request, status, page, headers, language=language)
        if status in {400, 408, 429, 431, 505}:
            response.force_close()
        if status == 505 and isinstance(request, BaseRequest):
            responses.answer_in_http11(request)
        return response


def _afterwards(work: Callable[[], object]) -> None:
    """Have it done when the answer is on its way; at once where there is no loop."""
    try:
        asyncio.get_running_loop().call_soon(work)
    except RuntimeError:
        work()


def _prefers_problem(request: responses.Asked) -> bool:
    """Whether whoever asks, about no page of ours, reads JSON rather than a page (RFC 9457 §3)."""
    accepts = request.headers.get("Accept", "").lower()
    return "json" in accepts and "html" not in accepts
