"""Answers about closed pages that a decision alone tells: a line, a problem, or headers; no page and no cookie."""

from typing import Final

from aiohttp.web import Response

from proxy import responses, site_files
from proxy.presentation import Here
from proxy.responses import HOUR, NO_STORE
from redirect_rules.decision import Decision

_ALLOWED: Final = {
    "Allow": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "600",
}


def gone_line(decision: Decision) -> str:
    """That a page is closed, and where it went, in one line of English: for programs and crawlers."""
    moved = f" It has moved to {decision.way.target}" if decision.way is not None else ""
    return f"This page is closed.{moved}" if decision.mapped else f"No such page here any more.{moved}"


def gone_briefly(decision: Decision, headers: dict[str, str], *, cacheable: bool, body: bool) -> Response:
    """410, with a line or with nothing."""
    cache = HOUR if cacheable else NO_STORE
    if body:
        return responses.text(410, f"{gone_line(decision)}\n", headers, cache=cache)
    return responses.empty(410, headers, cache=cache)


def problem(decision: Decision, status: int, headers: dict[str, str]) -> Response:
    """The same for programs that read JSON (RFC 9457)."""
    closed_at = decision.portal.schedule_for(decision.key.folded).closed_at
    successor = str(decision.way.target) if decision.way is not None else None
    title = "This interface is closed" if status == 410 else "Nothing is known under this address"
    extension = {"successor": successor, "sunset": closed_at.isoformat() if closed_at else None}
    return responses.problem(status, title, gone_line(decision), extension, headers)


def steer(decision: Decision, headers: dict[str, str], *, to_notice: bool) -> Response:
    """Make htmx leave the page: for this very address, which then shows the notice, or for the target."""
    if decision.way is None:
        raise LookupError("a redirect that leads nowhere")
    goal = Here.of(decision.key, decision.kept).link() if to_notice else str(decision.way.target)
    return responses.empty(200, headers | {"HX-Redirect": goal}, cache=NO_STORE)


def preflight(headers: dict[str, str]) -> Response:
    """Let any page read the refusal (Fetch §3.2.2)."""
    return responses.empty(204, headers | _ALLOWED, cache=NO_STORE)


def retire(headers: dict[str, str], *, manifest: bool) -> Response:
    """A cached shell would hide the notice: its worker goes (Service Workers §1; Angular: a 404 manifest)."""
    if manifest:
        return responses.empty(404, headers, cache=NO_STORE)
    response = responses.text(200, site_files.RETIRING_WORKER, headers, cache=NO_STORE)
    response.content_type = "text/javascript"
    return response
