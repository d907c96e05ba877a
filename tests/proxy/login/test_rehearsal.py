"""Somebody with an invitation sees what a client would be told about them; nobody else sees anything."""

from urllib.parse import urlencode

import pytest

from sso import rehearsal
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import HOME, signer
from tests.sign_in_peers.portals import Standing

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP


def invited(edge: Standing, client: str = "khanhhoa", *, purpose: str = rehearsal.PURPOSE, earlier: int = 0) -> str:
    text = rehearsal.invitation(client, now=edge.desk.clock.now - earlier)
    return f"{edge.desk.broker.issuer}{rehearsal.PATH}?{urlencode({'for': signer().seal(text, purpose=purpose)})}"


async def test_who_signs_in_sees_names_and_no_values(edge: Standing) -> None:
    visitor = edge.visitor()
    left = await visitor.ask(invited(edge))
    assert left.location.startswith(f"{HOME}/authorize?"), "as for the client itself"
    back = await visitor.ask(edge.desk.home.approve(left.location))
    assert back.location.startswith(f"{edge.desk.broker.issuer}{rehearsal.PATH}?for=")
    page = await visitor.ask(back.location)
    assert page.status == 200
    assert "•••" in page.text
    assert "Nguyễn Văn An" not in page.text
    assert "000000000001" not in page.text
    again = await visitor.ask(invited(edge))
    assert again.status == 200, "who is signed in sees it at once"


@pytest.mark.parametrize(
    "changes",
    [{"earlier": rehearsal.SECONDS}, {"purpose": "portal-entry"}, {"client": "nobody"}],
    ids=["old", "sealed for something else", "of nobody"],
)
async def test_an_invitation_that_is_none_leads_nowhere(edge: Standing, changes: dict[str, object]) -> None:
    page = await edge.visitor().ask(invited(edge, **changes))  # type: ignore[arg-type]  # a table's columns
    assert (page.status, page.location) == (400, "")


@pytest.mark.parametrize("sealed", ["", "x", "A" * 200])
async def test_what_nobody_sealed_leads_nowhere(edge: Standing, sealed: str) -> None:
    address = f"{edge.desk.broker.issuer}{rehearsal.PATH}?{urlencode({'for': sealed})}"
    page = await edge.visitor().ask(address)
    assert (page.status, page.location) == (400, "")
