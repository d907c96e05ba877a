"""Audit events: words of our own and nothing else."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.events import AuditEvent

EVENT = AuditEvent(
    1_795_000_000, "sign-in.done", "ok", client="langson", upstream="vneid", level=2, code="k7m2-9fxd-3hqp",
    session="Jf2cC0nRr0yW3l3xQw7b1k",
)  # fmt: skip

PERSONAL = ["Nguyễn Văn An", "Nguyen Van An", "001054000123", "an@example.vn", "a b", "x\n", '"', "203.0.113.7 GET /"]


@pytest.mark.parametrize("text", PERSONAL)
@pytest.mark.parametrize("name", [own.name for own in fields(AuditEvent) if own.name not in {"at", "level"}])
def test_what_is_no_word_of_ours_never_becomes_part_of_one(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        AuditEvent.of({"at": 1, "event": "e", "outcome": "ok", name: text})


def test_a_record_leaves_out_what_is_empty() -> None:
    assert EVENT.record() == {
        "at": 1_795_000_000, "event": "sign-in.done", "outcome": "ok", "client": "langson", "upstream": "vneid",
        "level": 2, "code": "k7m2-9fxd-3hqp", "session": "Jf2cC0nRr0yW3l3xQw7b1k",
    }  # fmt: skip


WORDS = st.from_regex(r"[a-z][a-z.-]{0,20}", fullmatch=True)


@given(st.integers(1, 1 << 40), WORDS, WORDS, WORDS, st.integers(0, 2))
def test_what_was_written_is_read_again(at: int, event: str, outcome: str, client: str, level: int) -> None:
    made = AuditEvent(at, event, outcome, client=client, level=level)
    assert AuditEvent.of(dict(made.record())) == made


def test_a_field_of_a_later_version_is_left_out() -> None:
    assert AuditEvent.of(dict(EVENT.record()) | {"colour": "red"}) == EVENT
