"""Whole journeys, good and bad, and then everything that was written down is searched: attack 42.

Searched are the access log, the log of the program, the metrics, the audit and what the store keeps under its keys;
looked for are all names, numbers, codes, tokens, tickets, secrets and cookies that went over the wire.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import AN, HOME, SECRET
from tests.sign_in_peers.portals import FORM, OTHER, PORTAL, Page, Standing, Visitor

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP

PERSONAL = [AN.name, AN.citizen_id, AN.email, AN.address, AN.phone, AN.sub, "Nguy", "1954-09-02"]
HARMLESS = {"vneid", "vnconnect", "openid", "khanhhoa", "langson", "dvc-edge", "code", "1"}


class Wire(Visitor):
    """A browser that remembers what opened doors."""

    secrets: set[str]

    def __init__(self, standing: Standing) -> None:
        super().__init__(standing)
        self.secrets = set()
        self.referrer_policies: list[tuple[str, str | None]] = []

    async def ask(self, address: str, **how: Any) -> Page:
        page = await super().ask(address, **how)
        for name, value in parse_qsl(urlsplit(page.location).query):
            if name in {"code", "ticket", "state", "nonce", "entry", "code_challenge", "way"} and len(value) > 11:
                self.secrets.add(value)
        for line in page.headers.getall("Set-Cookie", []):
            self.secrets.update(part for part in line.partition(";")[0].partition("=")[2].split(".") if len(part) > 11)
        if "localhost" in address and "/vi/" not in urlsplit(address).path:
            self.referrer_policies.append((address, page.headers.get("Referrer-Policy")))
        return page


@pytest.fixture
def program_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


async def journeys(edge: Standing) -> Wire:
    """What happens in a day."""
    citizen = Wire(edge)
    await citizen.go(edge.address(f"{FORM}&soDinhDanh={AN.citizen_id}&hoTen=Nguyen&vneid=1"))
    await citizen.go(edge.address(f"{FORM}&vneid=1", OTHER))
    await citizen.ask(edge.address("/vi/nps/x"), method="POST", data=f"cccd={AN.citizen_id}".encode())
    question = {"X-Original-URI": f"/vi/nps/x?cccd={AN.citizen_id}", "X-Original-Method": "GET"}
    await citizen.ask(edge.address("/_edge/sign-in/check"), headers=question)
    citizen.secrets.update(value for told in edge.told for value in told.assertions)
    # Everything that goes wrong, too: that is when programs grow talkative.
    for target in (
        f"/_edge/sign-in/done?way=x&ticket={AN.citizen_id}",
        f"/_edge/sign-in/begin?to=/vi/nps/{AN.citizen_id}",
    ):
        await citizen.ask(edge.address(target))
    for path in (
        f"/portal?entry={AN.citizen_id}",
        f"/ticket?client_id={AN.citizen_id}",
        f"/callback/home?code={AN.citizen_id}&state=s",
    ):
        await citizen.ask(f"{edge.desk.broker.issuer}{path}")
    body = f"ticket={AN.citizen_id}&browser={SECRET}&client_id=motcua&client_secret={AN.citizen_id}".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    await citizen.ask(f"{edge.desk.broker.issuer}/ticket/redeem", method="POST", data=body, headers=form)
    edge.desk.home.fails = True
    left = await Wire(edge).ask(edge.address("/vi/nps/x"))
    page = await citizen.ask(left.location)
    if page.location.startswith(HOME):
        await citizen.ask(edge.desk.home.approve(page.location))
    await citizen.ask(edge.address("/_edge/sign-in/out"))
    return citizen


async def test_nothing_that_is_written_down_names_anybody_or_opens_anything(
    edge: Standing, program_log: pytest.LogCaptureFixture
) -> None:
    citizen = await journeys(edge)
    places = {
        "access log": edge.log.getvalue(),
        "program's log": "\n".join(
            record.getMessage() + str(record.exc_info or "") for record in program_log.records
            if not record.name.startswith(("asyncio", "hypothesis"))
        ),
        "metrics": edge.metrics() + edge.app.metrics.exposition().decode(),
        "audit": json.dumps([event.record() for event in edge.desk.audit], ensure_ascii=False),
    }  # fmt: skip
    looked_for = {*PERSONAL, SECRET, *(citizen.secrets - HARMLESS)}
    assert len(looked_for) > 25
    assert all(places[name] for name in ("access log", "metrics", "audit"))
    found = {(place, word) for place, text in places.items() for word in looked_for if word in text}
    assert found == set()


async def test_no_page_tells_the_next_where_it_was(edge: Standing) -> None:
    citizen = await journeys(edge)
    assert len(citizen.referrer_policies) > 8
    assert {policy for _, policy in citizen.referrer_policies} == {"no-referrer"}


async def test_no_address_that_leads_to_another_host_has_anything_of_the_wish_or_the_person(edge: Standing) -> None:
    citizen = Wire(edge)
    await citizen.go(edge.address(f"{FORM}&soDinhDanh={AN.citizen_id}&vneid=1"))
    elsewhere = [address for address in citizen.seen if urlsplit(address).hostname != f"{PORTAL}.localhost"]
    assert elsewhere
    assert not [address for address in elsewhere for word in (*PERSONAL, "1.001193", "vi/nps") if word in address]


async def test_the_system_behind_is_told_in_the_signed_field_and_nowhere_else(edge: Standing) -> None:
    citizen = Wire(edge)
    await citizen.go(edge.address(f"{FORM}&vneid=1"))
    (told,) = edge.told
    rest = [(name, value) for name, value in told.fields if name != "Portal-Identity"]
    assert not [word for word in (*PERSONAL, *citizen.secrets) if word in str(rest)]
