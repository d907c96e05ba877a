"""Visits as they are counted: true sums, a bounded number of names, and nothing that a visitor sent as a value."""

import random
from collections import Counter
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from redirect_rules.answers import asker
from redirect_rules.canonical import BadTarget, canonical_key
from redirect_rules.clients import client_class
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.hits import (
    ANYBODY,
    NOBODY,
    NUMBERS,
    OTHER,
    OURS,
    READERS,
    SHADOW,
    Choice,
    Hit,
    HitCounter,
    Names,
    key_of,
    shown_and_counted,
    target_of,
)
from redirect_rules.masking import masked
from redirect_rules.model import Action, ClientClass
from redirect_rules.replay import replay
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN

LANGSON = "dichvucong.langson.gov.vn"
TODAY, TOMORROW = date(2026, 11, 1), date(2026, 11, 2)


def hit_of(snapshot: Snapshot, target: str, client: ClientClass = ClientClass.NAVIGATION, method: str = "GET") -> Hit:
    decision = decide(Visit(LANGSON, target, method, client), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return Hit.of(decision)


# what is asked                                            under which key                            rule
KEYS = [
    ("/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193&x=1",     "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=",     "igate2/procedure-by-code"),
    ("/Khong/CO/?MA=1&ma=2",                                "/khong/co?ma=",                           ""),
    ("/khong-co?ma=",                                       "/khong-co",                               ""),
    ("/khong-co?keyword=Lan&token=t&sid=s&cccd=001",        "/khong-co?keyword=",                      "clues/procedure-or-words"),
    ("/khong-co?ma=1&keyword=b",                            "/khong-co?keyword=&ma=",                  "clues/procedure-or-words"),
    ("/khong-co/001199012345",                              "/khong-co/############",                  ""),
    ("/tra-cuu-ho-so/000.00.53.H48-220921-0099",            "/tra-cuu-ho-so/###.##.##.###-######-####", "common/dossier-lookup"),
    ("/khong-co/lan.nguyen@example.vn",                     "/khong-co/#@#",                           ""),
    ("/a/%23b",                                             "/a/%23b",                                 ""),
    ("/khong-co/tin%20t%E1%BB%A9c",                         "/khong-co/tin%20t%E1%BB%A9c",             ""),
]  # fmt: skip


@pytest.mark.parametrize(("target", "key", "rule"), KEYS)
def test_a_page_is_counted_under_its_address_without_values(
    snapshot: Snapshot, target: str, key: str, rule: str
) -> None:
    hit = hit_of(snapshot, target)
    assert (hit.key, hit.rule) == (LANGSON + key, rule)
    assert hit[:1] + hit[2:4] == ("langson", "notice", "navigation")


def test_nobody_writes_into_the_count_by_naming_parameters() -> None:
    """Portlets' parameters are named by whoever asks: the rule's own spelling is kept."""
    key = canonical_key("a.example", "/x?_lan-0912345678_tenThuTuc=1&_*_tenthutuc=2")
    assert key_of(key, frozenset({"_*_tenthutuc"})) == "a.example/x?_*_tenthutuc="


def test_a_key_of_one_page_does_not_grow_without_end() -> None:
    names = [f"name{number}" * 9 for number in range(60)]
    key = canonical_key("a.example", "/" + "trang-con-so-mot/" * 30 + "?" + "&".join(f"{name}=1" for name in names))
    assert len(key_of(key, frozenset(names))) < 1_000  # PostgreSQL's indexes hold 2,700 octets


# a key                                     what can be asked for again
TARGETS = [
    (f"{LANGSON}/tin-tuc/a",                "/tin-tuc/a"),
    (f"{LANGSON}/",                         "/"),
    (f"{LANGSON}/a/%23b",                   "/a/%23b"),
    (f"{LANGSON}/tin-tuc?ma=",              None),
    (f"{LANGSON}/ho-so/#######",            None),
    (f"{LANGSON}/a/…",                      None),
    (OTHER,                                 None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "target"), TARGETS)
def test_a_key_is_a_target_again_only_where_nothing_was_left_out(key: str, target: str | None) -> None:
    assert target_of(key) == target


@given(st.text(max_size=60))
def test_what_can_be_asked_for_again_is_counted_under_the_same_key(path: str) -> None:
    try:
        key = canonical_key(LANGSON, "/" + quote(path, safe="/@;"))
    except BadTarget:
        return
    first = key_of(key, frozenset())
    if (target := target_of(first)) is not None:
        assert key_of(canonical_key(LANGSON, target), frozenset()) == first


SECRETS = st.from_regex(r"\A(zq[a-z]{6,12}|[0-9]{7,12}|[a-z]{3,9}@zq[a-z]{3,9}\.vn|H48\.[0-9]{2}-[0-9]{6}-[0-9]{4})\Z")
NAMES = st.sampled_from(["ma", "MaTTHC", "keyword", "sid", "token", "x", "_a_WAR_b_tenThuTuc", "dossiercode"])


@settings(deadline=None)
@given(SECRETS, NAMES, st.sampled_from(["/vi", "/khong-co", "/vi/thu-tuc-hanh-chinh/chi-tiet"]), st.booleans())
def test_no_value_is_in_a_hit(packs: Packs, secret: str, name: str, path: str, bare: bool) -> None:  # noqa: FBT001
    target = f"{path}?{secret}" if bare else f"{path}?a=b&{name}={secret}&{secret}=1"
    hit = hit_of(packs.snapshot, target)
    assert secret.lower() not in "\n".join(hit).lower()


@settings(deadline=None)
@given(SECRETS.filter(lambda secret: not secret.startswith("zq")))
def test_no_person_is_in_the_path_of_a_hit(packs: Packs, secret: str) -> None:
    hit = hit_of(packs.snapshot, f"/khong-co/{secret}/xem")
    assert secret.lower() not in hit.key.lower()


# method     client                         counts as      a page
ASKERS = [
    ("GET",     ClientClass.NAVIGATION,     "navigation",  True),
    ("HEAD",    ClientClass.BOT,            "bot",         True),
    ("GET",     ClientClass.CLI,            "cli",         True),
    ("POST",    ClientClass.NAVIGATION,     "form",        False),
    ("POST",    ClientClass.BOT,            "program",     False),
    ("POST",    ClientClass.XHR,            "xhr",         False),
    ("OPTIONS", ClientClass.NAVIGATION,     "preflight",   False),
    ("GET",     ClientClass.FRAME,          "frame",       False),
]  # fmt: skip


@pytest.mark.parametrize(("method", "client", "counted", "page"), ASKERS)
def test_a_form_that_is_sent_is_no_page_that_is_opened(
    snapshot: Snapshot,
    method: str,
    client: ClientClass,
    counted: str,
    page: bool,  # noqa: FBT001
) -> None:
    hit = hit_of(snapshot, "/vi", client, method)
    assert (hit.client, hit.is_page) == (counted, page)


@pytest.mark.parametrize("target", ["/robots.txt", "/sitemap.xml", "/.well-known/security.txt"])
def test_what_is_about_the_host_is_no_page(snapshot: Snapshot, target: str) -> None:
    hit = hit_of(snapshot, target)
    assert (hit.outcome, hit.is_page) == (OURS, False)


TARGETS_OF_VISITS = [
    *("/", "/vi", "/khong-co", "/khong-co?ma=1", "/nop-ho-so/1", "/logo.png", "/tra-cuu-tien-do?doccode=1"),
    *("/vi/procedure/detail/629d", "/thu-tuc/1.001193", "/api/x", "/KetQuaThanhToanDVCQG?data=1"),
]
AGENTS = ["Mozilla/5.0", "Googlebot/2.1", "curl/8.5", "python-requests/2"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(TARGETS_OF_VISITS),
            st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
            st.sampled_from(AGENTS),
        )
    )
)
def test_coverage_is_the_one_of_a_replay(packs: Packs, visits: list[tuple[str, str, str]]) -> None:
    lines = [f'{LANGSON} - - - [x] "{m} {t} HTTP/1.1" 200 1 "-" "{a}"' for t, m, a in visits]
    report = replay(lines, packs.snapshot, now=AUTUMN, crawlers=packs.crawlers)
    hits = []
    for target, method, agent in visits:
        headers = {"user-agent": agent, "accept": "text/html"}
        client = client_class(method, target.partition("?")[0], headers, packs.crawlers)
        hits.append(hit_of(packs.snapshot, target, client, method))
    pages = [hit for hit in hits if hit.is_page]
    assert (len(pages), sum(bool(hit.rule) for hit in pages)) == (report.pages, report.mapped)
    assert Counter(hit.outcome for hit in hits) == report.outcomes


def test_readers_are_clients_whose_rows_read_pages() -> None:
    assert {ClientClass(client) for client in READERS} == {
        client for client in ClientClass if asker(client, "GET") in {"navigation", "crawler", "prefetch"}
    }


def page(number: int, rule: str = "", portal: str = "langson") -> Hit:
    return Hit(portal, f"{LANGSON}/{number}", Action.NOTICE.value, "navigation", rule)


def test_equal_hits_are_one() -> None:
    counter = HitCounter(10)
    counter.count(page(1))
    counter.count(page(1), 4)
    counter.count(page(2))
    assert counter.total == 6
    assert counter.drain(TODAY) == {page(1): 5, page(2): 1}
    assert (counter.total, counter.drain(TODAY)) == (0, {})


# what comes when there is room for one of each     what it is counted as
CROWDED = [
    (page(3),                                       page(3)._replace(key=OTHER)),
    (page(3, "a/b"),                                page(3, "a/b")._replace(key=OTHER)),
    (page(3, "c/d"),                                page(3, OTHER)._replace(key=OTHER)),
    (page(3, portal="hanoi"),                       page(3, portal="hanoi")._replace(key=OTHER)),
    (page(1),                                       page(1)),
    (page(2, "a/b"),                                page(2, "a/b")),
]  # fmt: skip


@pytest.mark.parametrize(("hit", "counted"), CROWDED)
def test_what_has_no_room_is_counted_among_others(hit: Hit, counted: Hit) -> None:
    counter = HitCounter(2)
    for first in (page(1), page(2, "a/b"), page(5, "a/b")):  # the last takes the room among rules
        counter.count(first)
    before = Counter(counter.drain(TODAY))
    counter = HitCounter(2)
    for one in (page(1), page(2, "a/b"), page(5, "a/b"), hit):
        counter.count(one)
    assert Counter(counter.drain(TODAY)) - before == Counter({counted: 1})


def test_nonsense_does_not_crowd_out_what_rules_know() -> None:
    counter = HitCounter(100)
    for number in range(10_000):
        counter.count(page(number))
    counter.count(page(1, "a/b"))
    assert counter.drain(TODAY)[page(1, "a/b")] == 1


def test_room_is_for_a_day_however_often_it_is_drained() -> None:
    """So that a day has a bounded number of rows in the store."""
    counter = HitCounter(2)
    counter.drain(TODAY)
    counter.count(page(1))
    counter.drain(TODAY)
    counter.count(page(2))
    counter.count(page(1))
    assert set(counter.drain(TODAY)) == {page(1), page(2)._replace(key=OTHER)}
    counter.drain(TOMORROW)
    counter.count(page(2))
    assert set(counter.drain(TOMORROW)) == {page(2)}


@given(
    st.integers(0, 12),
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["", "a/b", "c/d", "e/f"]), st.integers(1, 5), st.booleans())
    ),
)
def test_no_visit_is_lost_for_want_of_room(limit: int, counted: list[tuple[int, str, int, bool]]) -> None:
    counter = HitCounter(limit)
    handed_over: Counter[Hit] = Counter()
    sent: Counter[tuple[str, bool]] = Counter()
    for number, rule, times, drains in counted:
        counter.count(page(number, rule), times)
        sent["visits", bool(rule)] += times
        if drains:
            handed_over.update(counter.drain(TODAY))
    handed_over.update(counter.drain(TODAY))
    for known in (True, False):
        assert sum(n for hit, n in handed_over.items() if bool(hit.rule) == known) == sent["visits", known]
    assert len({hit for hit in handed_over if hit.key != OTHER}) <= max(2, limit)
    assert all(hit.rule in {"a/b", "c/d", "e/f", OTHER} for hit in handed_over if hit.rule)


def test_memory_is_bounded_whatever_comes() -> None:
    counter, dice = HitCounter(1_000), random.Random(7)
    for _ in range(50_000):
        counter.count(page(dice.randrange(10**9), dice.choice(["", f"a/{dice.randrange(10**9)}"])))
    counts = counter.drain(TODAY)
    assert len(counts) < 1_500 + 5
    assert sum(counts.values()) == 50_000


def test_a_rehearsed_visit_counts_as_ahead_and_as_no_closed_page(snapshot: Snapshot) -> None:
    decision = decide(Visit(LANGSON, "/vi"), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    ahead, closed = Hit.of(decision, ahead=True), Hit.of(decision)
    assert ahead == closed._replace(outcome=SHADOW)
    assert (closed.is_page, ahead.is_page) == (True, False)


@pytest.mark.parametrize("choice", list(Choice))
def test_a_choice_on_a_notice_is_no_page_and_names_none(choice: Choice) -> None:
    hit = Hit.chosen("langson", choice)
    assert (hit.portal, hit.outcome, hit.rule, hit.is_page, target_of(hit.key)) == ("langson", choice, "", False, None)


def test_choices_have_their_words_where_there_is_no_room_for_names() -> None:
    counter = HitCounter(1)
    counter.count(Hit("langson", "a.vn/", "notice", "navigation", ""))
    for choice in Choice:
        counter.count(Hit.chosen("langson", choice), 3)
    counts = counter.drain(date(2026, 11, 1))
    assert {hit.outcome: times for hit, times in counts.items() if hit.outcome != "notice"} == dict.fromkeys(Choice, 3)


PIECES = st.sampled_from(
    ["/", "a", "vi", "1234567", "12345678901", "000.00.12.H06-240101-0001", "x" * 40, "-", "@", "b.vn", "…"]
)


@given(st.lists(PIECES, max_size=90).map("".join).map("/".__add__))
def test_a_path_is_shown_and_counted_as_each_alone_would_be(path: str) -> None:
    key = canonical_key("a.vn", path)
    assert shown_and_counted("a.vn", key.path) == (masked(key.path), key_of(key, frozenset()))


VISITS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(
            [(NOBODY, ""), (NUMBERS, "1234567"), (NUMBERS, "9" * 60), (ANYBODY, "H06-240101-0001-1234567")]
        ),
        st.sampled_from(["count", "drain", "tomorrow"]),
    ),
    max_size=60,
)


@given(st.integers(0, 30), VISITS)
def test_a_naming_counts_as_the_counter_itself_would(
    limit: int, visits: list[tuple[int, tuple[int, str], str]]
) -> None:
    """Whatever was counted besides, and however often it is drained."""
    ours, theirs = HitCounter(limit), HitCounter(limit)
    told: tuple[Counter[Hit], Counter[Hit]] = (Counter(), Counter())
    day = TODAY
    for number, (people, end), what in visits:
        path = f"/cu/{number}/{end}"
        hit = Hit("langson", shown_and_counted("a.vn", path)[1], "redirect", "bot", f"langson/i-1/{number}")
        naming = ours.naming("langson", "a.vn", "redirect", "bot", "langson/i-1/")
        naming.count(path.encode(), str(number).encode(), people)
        theirs.count(hit)
        for counter in (ours, theirs):
            counter.count(page(number))
        if what != "count":
            day = TOMORROW if what == "tomorrow" else day
            for so_far, counter in zip(told, (ours, theirs), strict=True):
                so_far.update(counter.drain(day))
        assert ours.total == theirs.total
    for so_far, counter in zip(told, (ours, theirs), strict=True):
        so_far.update(counter.drain(day))
    assert told[0] == told[1]


def test_names_are_told_by_few_bits_and_hardly_mistaken() -> None:
    names = Names(5_000)
    assert all(names.admit(hash(("a", number))) for number in range(5_000))
    assert all(names.has(hash(("a", number))) for number in range(5_000))
    assert sum(names.has(hash(("b", number))) for number in range(20_000)) < 3
    assert not names.admit(hash("one more")), "there is no room"
    names.clear()
    assert not names.has(hash(("a", 1)))
