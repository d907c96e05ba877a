"""The chain of audit entries: what it shows, and what it cannot."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.audit import (
    GENESIS,
    Chained,
    ContentDigest,
    Entry,
    Link,
    Search,
    canonical_json,
    chained,
    checked,
    first_break,
    hash_of,
    utc_text,
)
from redirect_rules.model import HO_CHI_MINH

NOON = utc_text(datetime(2026, 11, 1, 12, tzinfo=HO_CHI_MINH))


def chain(count: int, *, actor: str = "an") -> list[Chained]:
    made: list[Chained] = []
    for number in range(1, count + 1):
        entry = Entry(number, NOON, actor, "put", f"rule {number}", digest="d")
        made.append(chained(entry, made[-1].link if made else GENESIS))
    return made


def forged(one: Chained, **changed: object) -> Chained:
    """An entry with another content, sealed anew."""
    entry = replace(one.entry, **changed)  # type: ignore[arg-type]
    return replace(one, entry=entry, hash=hash_of(entry, one.previous))


GOOD = chain(5)

# what was done to five entries                                       the first that does not hold
FORGERIES: Sequence[tuple[Callable[[], list[Chained]], int]] = [
    (lambda: [*GOOD[:2], replace(GOOD[2], entry=replace(GOOD[2].entry, actor="x")), *GOOD[3:]], 3),
    (lambda: [*GOOD[:2], forged(GOOD[2], actor="x"), *GOOD[3:]],      4),
    (lambda: [*GOOD[:2], *GOOD[3:]],                                  3),
    (lambda: GOOD[1:],                                                1),
    (lambda: [GOOD[0], GOOD[2], GOOD[1], *GOOD[3:]],                  2),
    (lambda: [*GOOD, GOOD[4]],                                        6),
    (lambda: [*GOOD[:4], replace(GOOD[4], hash="0" * 64)],            5),
    (lambda: [replace(GOOD[0], previous="f" * 64), *GOOD[1:]],        1),
]  # fmt: skip


@pytest.mark.parametrize(("forge", "number"), FORGERIES)
def test_a_forged_chain_breaks_where_it_was_forged(forge: Callable[[], list[Chained]], number: int) -> None:
    broken = first_break(forge())
    assert broken is not None
    assert broken.number == number
    *good, last = checked(forge())
    assert [entry.number for entry in good if isinstance(entry, Entry)] == list(range(1, number))
    assert last == broken


def test_a_chain_as_written_holds() -> None:
    assert first_break([]) is None
    assert first_break(GOOD) is None
    assert first_break(GOOD, known=[GENESIS, GOOD[2].link, GOOD[4].link]) is None


def test_a_link_kept_elsewhere_shows_an_end_cut_off_and_a_chain_made_anew() -> None:
    kept = [GOOD[4].link]
    assert first_break(GOOD[:3]) is None  # by itself it cannot be seen
    short = first_break(GOOD[:3], known=kept)
    assert short is not None
    assert (short.number, "entry 5 was known" in short.why) == (4, True)
    anew = first_break(chain(5, actor="x"), known=kept)
    assert anew is not None
    assert anew.number == 5
    assert first_break(GOOD, known=[*kept, Link(5, "f" * 64)]) is not None


def test_an_entry_comes_after_the_one_before() -> None:
    with pytest.raises(ValueError, match="cannot follow"):
        chained(Entry(3, NOON, "an", "put", ""), GENESIS)


ENTRY = Entry(1, NOON, "an", "put", "rule x", "why", "b", 1, 1, "{}", "d")


@pytest.mark.parametrize("name", Entry.__slots__)
def test_every_field_is_in_the_hash(name: str) -> None:
    value = getattr(ENTRY, name)
    other = replace(ENTRY, **{name: value + (1 if isinstance(value, int) else "x")})
    assert hash_of(ENTRY, GENESIS.hash) != hash_of(other, GENESIS.hash)


def test_an_entry_tells_its_instant() -> None:
    assert Entry(1, NOON, "an", "put", "").instant == datetime(2026, 11, 1, 5, tzinfo=UTC)


LETTERS = st.text('aế/"\x1f', max_size=4)


@given(st.dictionaries(LETTERS, st.none() | st.integers() | LETTERS | st.dictionaries(LETTERS, LETTERS)))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_instants_sort_as_texts(one: datetime, other: datetime) -> None:
    one, other = (at.replace(year=min(max(at.year, 1000), 9000)).astimezone(UTC) for at in (one, other))
    assert (utc_text(one) < utc_text(other)) == (one < other)


def test_an_instant_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        utc_text(datetime(2026, 11, 1))  # noqa: DTZ001


@given(st.lists(st.tuples(LETTERS, LETTERS, LETTERS, LETTERS, st.none() | st.just("{}")), max_size=3))
def test_other_contents_have_another_digest(objects: list[tuple[str, str, str, str, str | None]]) -> None:
    one, other = ContentDigest(), ContentDigest()
    for content in objects:
        one.add(*content)
        other.add(*content)
    assert (one.text(), one.count) == (other.text(), len(objects))
    other.add("rule", "", "", "on", "{}")
    assert one.text() != other.text()


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 700])
def test_the_digest_is_one_hash_over_all_objects_however_many_are_taken_at_once(count: int) -> None:
    digest, whole = ContentDigest(), hashlib.sha256()
    for number in range(count):
        body = None if number % 7 == 0 else f'{{"note":"số {number}"}}'
        digest.add("rule", "portal:langson", str(number), "on", body)
        whole.update(f"rule\x1fportal:langson\x1f{number}\x1fon\x1f{body or ''}\n".encode())
    assert (digest.text(), digest.count) == (whole.hexdigest(), count)
    assert digest.text() == whole.hexdigest(), "asking does not change it"


SAID = [
    ("", ("",), True),
    ("ộ", ("MỘT LÝ DO", None), True),
    ("lý do", ("put", "rule portal:langson/news", "Một LÝ DO", None), True),
    ("batch", (None, "import-7"), False),
]


@pytest.mark.parametrize(("word", "texts", "says"), SAID)
def test_a_word_is_searched_without_case(word: str, texts: tuple[str | None, ...], *, says: bool) -> None:
    assert Search(word=word).says(*texts) is says
