"""What is kept, and what is written about it: named, versioned, answered for."""

import json
from datetime import datetime

import pytest

from redirect_rules.objects import NEW, Change, Kind, Put, PutText, Ref, State, Stored, UnnamedActor
from tests.redirect_rules.kept import NOON


@pytest.mark.parametrize("actor", ["", " ", "\t\n"])
def test_nothing_is_written_without_an_actor(actor: str) -> None:
    with pytest.raises(UnnamedActor):
        Change(actor, "why", NOON)


def test_an_instant_without_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="aware"):
        Change("an", "why", datetime(2026, 11, 1))  # noqa: DTZ001


def test_a_change_has_no_batch_unless_it_names_one() -> None:
    assert Change("an", "why", NOON).batch is None


# an object                                        as it is spoken of
NAMES = [
    (Ref(Kind.RULE, "portal:langson", "news"),     "rule portal:langson/news"),
    (Ref(Kind.PORTAL, "", "langson"),              "portal langson"),
    (Ref(Kind.SIGN_IN, "", "keys"),                "sign-in keys"),
]  # fmt: skip


@pytest.mark.parametrize(("ref", "name"), NAMES, ids=[name for _, name in NAMES])
def test_an_object_is_called_by_kind_scope_and_id(ref: Ref, name: str) -> None:
    assert str(ref) == name


def test_what_acts_at_once_is_beside_the_draft() -> None:
    beside = {kind for kind in Kind if not kind.in_draft}
    assert beside == {Kind.SWITCH, Kind.PERSON, Kind.NOISE, Kind.READINESS, Kind.CLIENT, Kind.SIGN_IN}


def test_a_kind_is_found_by_its_name_as_stores_write_it() -> None:
    assert dict.fromkeys(Kind, 1)["rule"] == 1  # type: ignore[index]  # a text is as good as its kind
    assert hash(Kind.RULE) == hash("rule")


def test_who_writes_says_nothing_of_a_version_has_seen_none() -> None:
    ref = Ref(Kind.LOOKUP, "portal:langson", "procedure")
    for write in (Put(ref, {}), PutText(ref, "{}", ())):
        assert (write.seen_version, write.state) == (NEW, State.ON)


def test_what_is_stored_says_what_was_written() -> None:
    body = {"id": "news", "note": "tin tức"}
    assert Stored(Ref(Kind.RULE, "portal:langson", "news"), 3, State.OFF, json.dumps(body)).body == body
