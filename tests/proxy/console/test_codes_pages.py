# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""A code that a citizen reads out: its meaning in both languages, and what was written down under it."""

import re

import pytest
from yarl import URL

from proxy.console.desk import Desk
from proxy.login.opening import state_folder
from proxy.sign_in_codes import meanings
from proxy.sign_in_log import FOLDER, SignInLog
from sso.events import AuditEvent
from tests.proxy.console.conftest import Browser, at
from tests.proxy.console.signing_in import NOW, desk  # noqa: F401 - a fixture


@pytest.fixture
def written(desk: Desk) -> None:
    log = SignInLog(state_folder(desk.settings) / FOLDER)
    for at_, event, outcome, cause, code in (
        (NOW - 60, "sign-in.refused", "access_denied", "DN-134", "k7m2-9fxd-3hqp"),
        (NOW - 30, "sign-in.done", "ok", "", "aaaa-bbbb-cccc"),
    ):
        log.write(AuditEvent(at_, event, outcome, client="langson", upstream="vneid", level=2, code=code, cause=cause))
    log.close()


async def test_a_refusals_code_says_why_what_people_see_and_what_to_tell_them(base: URL, written: None) -> None:
    async with at(base, "xem") as helpdesk:
        for typed in ("DN-134", "dn-134", "%20DN-134%20"):
            page = await helpdesk.text(f"/clients/codes?code={typed}")
            told = meanings()["DN-134"]
            assert told.what["vi"] in page
            assert told.say["vi"] in page
            assert "sign-in.refused" in page, "and when it was"


async def test_a_requests_code_says_what_happened(base: URL, written: None) -> None:
    async with at(base, "xem") as helpdesk:
        page = await helpdesk.text("/clients/codes?code=K7M2-9FXD-3HQP")
        events = page.partition("Những gì đã ghi lại")[2].partition("Tất cả mã")[0]
        assert events.count("<tr>") == 2
        assert "DN-134" in events
        assert "langson" in events


async def test_what_nobody_knows_is_said_to_be_unknown(administrator: Browser) -> None:
    for code in ("zzzz-zzzz-zzzz", "%3Cscript%3Ealert(1)%3C/script%3E", "x" * 5_000, "%00", "DN-999"):
        page = await administrator.text(f"/clients/codes?code={code}")
        assert "Không có gì dưới mã này" in page, code
        assert "<script>alert" not in page


async def test_every_code_has_a_line_in_both_languages(administrator: Browser) -> None:
    for language in ("vi", "en"):
        await administrator.get(f"/language/{language}?to=/")
        page = await administrator.text("/clients/codes")
        listed = re.findall(r'code=(DN-[0-9]+)">', page)
        assert sorted(set(listed)) == sorted(meanings())
