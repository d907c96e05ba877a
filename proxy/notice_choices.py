"""/_edge/notice/WORD: what became of the countdown, said by the notice's own script in an address without a body.

One word is counted for the portal and the day, and that is all there is of it: no page, no cookie, no address.  Whoever
writes requests by hand can say such a word as often as they like; they move a share on a page of ours, and nothing
else hangs on it.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from aiohttp.web import BaseRequest, Response

from proxy import responses
from proxy.visits import without_suffix
from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.decision import OUR_PREFIX, Decision
from redirect_rules.hits import Choice, Hit

CHOICES: Final = (OUR_PREFIX, "notice")
"""The path below which a choice is told."""
_WORDS: Final = {choice.value: choice for choice in Choice}


def choice_of(path: tuple[str, ...]) -> Choice | None:
    """The choice that a folded path tells; None for whatever tells none."""
    return _WORDS.get(path[-1]) if path[:-1] == CHOICES else None


def is_told_by_ourselves(headers: Mapping[str, str], host: str, suffixes: Sequence[str] = ()) -> bool:
    """Whether a page of this very host may be asking.

    Browsers say so over https (Fetch Metadata §2.3).  Over http, and those of before 2023, they say who is asking in
    Origin alone, and there `null` for a page that sends no referrer, as ours do (Fetch §3.2, "append a request Origin
    header"): that is let in, and with it other pages that hide where they come from.

    host      canonical, as the visit has it
    suffixes  under which hosts can be seen before DNS leads here
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("Origin", "null")
    if origin == "null":
        return True
    try:
        return without_suffix(canonical_host(urlsplit(origin).hostname or ""), suffixes) == host
    except (BadHost, ValueError):
        return False


def answer(
    request: BaseRequest, decision: Decision, headers: Mapping[str, str], *, suffixes: Sequence[str]
) -> tuple[Response, Hit | None]:
    """The answer to a request below `CHOICES`, and what there is to count.

    204 for a choice of ours, 405 and 400 for what no page of ours sends, 403 for what another site's does, 404 for
    other words.  Nothing of it has a body: scripts that are told so do not listen.
    """
    choice = choice_of(decision.key.folded)
    if choice is None:
        return _refused(404, headers), None
    if request.method != "POST":
        return _refused(405, {**headers, "Allow": "POST"}), None
    if not is_told_by_ourselves(request.headers, decision.key.host, suffixes):
        return _refused(403, headers), None
    if request.can_read_body:
        return _refused(400, headers), None
    return responses.empty(204, headers, cache=responses.NO_STORE), Hit.chosen(decision.portal.id, choice)


def _refused(status: int, headers: Mapping[str, str]) -> Response:
    response = responses.empty(status, headers, cache=responses.NO_STORE)
    response.force_close()  # whatever body there is, nobody waits for it
    return response
