"""The ticket of a visitor, and the cookie that keeps it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pilots import Pilots, ticket_of
from redirect_rules.model import JOINED, LEFT, TICKETS, Schedule
from tests.conftest import AUTUMN

CLOSING = Schedule(notice_at=AUTUMN + timedelta(hours=1))

VALUES = [
    ("join", JOINED), ("leave", LEFT), ("0", 0), ("999", 999), ("1000", None), ("-1", None), ("", None), ("JOIN", None),
    ("\u0663", None), ("1.5", None), (" 1", None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "ticket"), VALUES)
def test_a_cookie_holds_a_ticket_or_nothing(value: str, ticket: int | None) -> None:
    assert ticket_of(value) == ticket


@given(st.text())
def test_whatever_a_visitor_writes_is_a_ticket_or_none(value: str) -> None:
    ticket = ticket_of(value)
    assert ticket is None or JOINED <= ticket <= LEFT


@given(st.integers(JOINED, LEFT))
def test_what_is_written_is_read_again(ticket: int) -> None:
    if ticket != TICKETS or ticket == LEFT:
        value = Pilots().cookie(ticket, CLOSING, AUTUMN, secure=False).partition(";")[0].partition("=")[2]
        assert ticket_of(value) == ticket


def test_a_cookie_lasts_until_the_closing_and_a_month_at_most() -> None:
    assert "Max-Age=3600;" in Pilots().cookie(1, CLOSING, AUTUMN, secure=False)
    assert "Max-Age=2592000;" in Pilots().cookie(1, Schedule(), AUTUMN, secure=False)
    assert "Max-Age=0;" in Pilots().cookie(1, CLOSING, AUTUMN + timedelta(days=9), secure=False)
    assert "Secure" not in Pilots().cookie(1, CLOSING, AUTUMN, secure=False)
    assert Pilots().cookie(1, CLOSING, AUTUMN, secure=True).endswith("; Secure")


def test_every_ticket_is_drawn_and_no_other() -> None:
    drawn = {Pilots().draw() for _ in range(30_000)}
    assert drawn == set(range(TICKETS))
