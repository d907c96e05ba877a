# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""How sign-in does today: by the clock of Viet Nam, from files of days of UTC, and from very long ones their end."""

from datetime import timedelta

import pytest

from proxy.console import sign_in_health
from proxy.console.desk import Desk
from proxy.console.pages import ConsolePages
from proxy.console.sign_in_health import health, last_sign_ins
from proxy.login.opening import state_folder
from proxy.sign_in_log import FOLDER, SignInLog
from redirect_rules.model import HO_CHI_MINH
from sso.events import AuditEvent
from tests.conftest import AUTUMN, settings_with
from tests.proxy.console.signing_in import NOW, desk  # noqa: F401 - a fixture

DAY = 86_400


def write(desk: Desk, *lines: tuple[int, str, str]) -> None:
    log = SignInLog(state_folder(desk.settings) / FOLDER)
    for at, client, cause in lines:
        event, outcome = ("sign-in.refused", "access_denied") if cause else ("sign-in.done", "ok")
        log.write(AuditEvent(at, event, outcome, client=client, cause=cause))
    log.close()


def test_today_is_counted_and_yesterday_is_not(desk: Desk) -> None:
    midnight = int(AUTUMN.astimezone(HO_CHI_MINH).replace(hour=0, minute=0).timestamp())
    write(
        desk,
        (midnight - 1, "langson", ""),
        (midnight, "langson", ""),  # a file of the day before, by UTC
        (NOW, "khanhhoa", ""),
        (NOW, "langson", "DN-134"),
        (NOW, "langson", "DN-134"),
        (NOW, "", "DN-205"),
    )
    found = health(desk)
    assert (found.on, found.done, found.failed) == (True, 2, 3)
    assert found.refused == [("DN-134", 2), ("DN-205", 1)]
    assert dict(found.by_client) == {"langson": 1, "khanhhoa": 1}
    assert not found.partial


def test_the_last_sign_in_of_each_client_is_known_for_some_days(desk: Desk) -> None:
    write(desk, (NOW - DAY, "langson", ""), (NOW - 5, "langson", "DN-134"), (NOW, "khanhhoa", ""))
    seen = last_sign_ins(desk)
    assert seen["langson"] == AUTUMN - timedelta(days=1), "a refusal is no sign-in"
    assert seen["khanhhoa"] == AUTUMN


def test_of_a_very_long_file_the_end_is_read_and_that_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write(desk, *[(NOW, "langson", "")] * 50)
    monkeypatch.setattr(sign_in_health, "MOST_READ", 1_000)
    found = health(desk)
    assert found.partial
    assert 0 < found.done < 50


def test_half_a_line_and_what_is_no_event_are_left_out(desk: Desk) -> None:
    write(desk, (NOW, "langson", ""))
    (file,) = (state_folder(desk.settings) / FOLDER).glob("*.jsonl")
    with file.open("a") as lines:
        lines.write('[]\n{"at": 1}\n{"at": "x"}\nnonsense\n{"at": 179')
    assert health(desk).done == 1


def test_where_nobody_signs_in_the_box_says_so(desk: Desk) -> None:
    desk.settings = settings_with({})
    assert health(desk) == sign_in_health.Health(on=False)


def test_the_box_of_the_overview_is_whole(desk: Desk) -> None:
    write(desk, (NOW, "langson", ""), (NOW, "langson", "DN-134"))
    pages = ConsolePages()
    source = '{% import "_sign_in_health.html" as own %}{{ own.box(t, lang, health) }}'
    for language, texts in pages.texts.items():
        box = pages._environment.from_string(source).render(t=texts, lang=language, health=health(desk))
        assert "DN-134" in box
        assert "50" in box
