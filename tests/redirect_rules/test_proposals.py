"""Rules that officers could add: narrow, overlapping nothing, and ready to be pasted."""

import random
import sys
from collections.abc import Callable, Sequence
from itertools import count
from types import FrameType

import pytest

from proxy.packs import load_packs
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.hits import Hit
from redirect_rules.overlaps import overlap
from redirect_rules.parsing import parse_template
from redirect_rules.proposals import Proposal, proposals
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Document
from tests.conftest import AUTUMN, settings_with

Counted = tuple[str, str, int]

LANGSON = "dichvucong.langson.gov.vn"
IDS = [11, 123, 7, 45_678, 99]


def counted(snapshot: Snapshot, portal: str, *targets: str, visits: int = 2) -> list[Counted]:
    """As visits to a portal are counted."""
    host = next(one.hosts[0] for one in snapshot.all_portals if one.id == portal)
    found: dict[Hit, int] = {}
    for target in targets:
        decision = decide(Visit(host, target), snapshot, AUTUMN)
        assert isinstance(decision, Decision)
        hit = Hit.of(decision)
        found[hit] = found.get(hit, 0) + visits
    return [(hit.portal, hit.key, times) for hit, times in found.items()]


def proposed(
    snapshot: Snapshot, rows: Sequence[Counted], known: Sequence[Counted] = (), most: int = 20
) -> list[Proposal]:
    return proposals(rows, snapshot, now=AUTUMN, known=known, most=most)


def test_a_rule_is_proposed_with_what_it_would_cover(snapshot: Snapshot) -> None:
    rows = counted(snapshot, "langson", *(f"/ban-tin/{id_}" for id_ in IDS), "/khong-co", visits=3)
    (found,) = proposed(snapshot, rows)
    assert (found.scope, found.file, found.template.text) == (
        "portal:langson",
        "conf/rules/langson.toml",
        "/ban-tin/{id:number}",
    )
    assert (found.urls, found.visits, found.portals) == (5, 15, ("langson",))
    assert found.examples[0] in {key for _, key, _ in rows}
    assert found.rule_text() == (
        "[[rule]]\n"
        'id = "ban-tin"\n'
        'paths = ["/ban-tin/{id:number}"]\n'
        'action = "notice"\n'
        'to = ["home"] # where do these pages lead?'
    )


# what is asked for                                                          where the rule would lead
LEADS = [
    ([f"/ban-tin/a/b/c/1.0011{i}" for i in range(10, 15)],                  '{ destination = "procedure", code = "{code}" }, "procedure-list"'),
    ([f"/ban-tin/{id_}?ma=1.001193" for id_ in IDS],                         '{ destination = "procedure", code = "{code}" }, "procedure-list"'),
    ([f"/ban-tin/{id_}?keyword=khai+sinh" for id_ in IDS],                   '{ destination = "procedure-search", keyword = "{keyword}" }, "procedure-list"'),
    ([f"/ban-tin/000.00.12.H06-240101-000{id_}" for id_ in range(5)] * 5,    '"dossier-lookup"'),
    ([f"/ban-tin/{id_}" for id_ in IDS],                                     '"home"'),
]  # fmt: skip


@pytest.mark.parametrize(("targets", "leads"), LEADS)
def test_what_is_known_of_the_pages_says_where_they_may_lead(
    snapshot: Snapshot, targets: list[str], leads: str
) -> None:
    (found,) = proposed(snapshot, counted(snapshot, "langson", *targets))
    assert f"to = [{leads}]" in found.rule_text()


PASTED = [
    [f"/ban-tin/{id_}" for id_ in IDS],
    [f"/ban-tin/{id_}?ma=1.001193" for id_ in IDS],
    [f"/ban-tin/a/b/c/1.0011{i}.000.00.00.H32" for i in range(10, 15)],
    [f"/vi/ban-tin/bai-{id_}.html" for id_ in IDS],
    [f"/ban%20tin/n%C4%83m-{id_}" for id_ in IDS],
    [f"/ban-tin/{'abcdefghijkl'[i:]}/{i}?keyword=a" for i in range(6)],
    [f"/ban-tin/{i}/{'abcdefghijklmnopqrstu'[i:]}/{'zyxwvu'[i % 6]}/x{'abcdefgh'[i % 8]}" for i in range(12)],
    ["/ban-tin/001199012345", "/ban-tin/001199012346"] * 3,
]  # fmt: skip


@pytest.mark.parametrize("targets", PASTED, ids=lambda targets: targets[0])
def test_a_pasted_rule_knows_the_pages_it_was_made_of(snapshot: Snapshot, targets: list[str]) -> None:
    rows = counted(snapshot, "langson", *targets)
    (found,) = proposed(snapshot, rows)
    pasted = Document("pasted.toml", f'portal = "langson"\n{found.rule_text()}\n')
    after = load_packs(settings_with(), extra_rules=(pasted,)).snapshot
    for target in targets:
        decision = decide(Visit(LANGSON, target), after, AUTUMN)
        assert isinstance(decision, Decision)
        assert decision.rule is not None
        assert decision.rule.id == f"langson/{found.id}"
    assert proposed(after, rows) == []  # today's rules know what was counted before


def test_what_several_portals_have_is_a_familys(snapshot: Snapshot) -> None:
    rows = [
        row
        for portal in ("langson", "hue", "hanoi")
        for row in counted(snapshot, portal, f"/ban-tin/{len(portal)}", "/so-do")
    ]
    found = proposed(snapshot, rows)
    assert {(one.scope, one.template.text) for one in found} == {
        ("family:common", "/ban-tin/{id:number}"),
        ("family:common", "/so-do"),
    }
    assert {one.portals for one in found} == {("hanoi", "hue", "langson")}


def test_a_product_that_stands_out_gets_the_rule(snapshot: Snapshot) -> None:
    portals = [one.id for one in snapshot.all_portals if one.families[1:2] == ("liferay",)]
    rows = [row for portal in portals for row in counted(snapshot, portal, "/ban-tin/5")]
    (found,) = proposed(snapshot, rows)
    assert len(portals) > 3
    assert found.scope == "family:liferay"


def test_two_portals_get_a_rule_each(snapshot: Snapshot) -> None:
    rows = [
        row for portal in ("langson", "hue") for row in counted(snapshot, portal, *(f"/ban-tin/{id_}" for id_ in IDS))
    ]
    assert sorted(one.scope for one in proposed(snapshot, rows)) == ["portal:hue", "portal:langson"]


# pages that nobody knows, beside templates that know their like
NEAR = [
    [f"/thu-tuc-hanh-chinh/{word}" for word in ("a-b", "c-d", "e-f", "g-h", "i-j")],
    [f"/vi/procedure/{word}/1" for word in ("a-b", "c-d", "e-f", "g-h", "i-j")],
    [f"/nop-ho-so/{word}" for word in ("a-b", "c-d", "e-f", "g-h", "i-j")],
]


@pytest.mark.parametrize("targets", NEAR, ids=lambda targets: targets[0])
def test_nothing_is_proposed_that_overlaps_a_template(snapshot: Snapshot, targets: list[str]) -> None:
    """Whether or not these very pages are known."""
    langson = snapshot.portals[LANGSON]
    there = [
        template
        for rule in snapshot.rules_of(langson)
        if not rule.exact and not rule.conditions
        for template in rule.templates
        if template.text.split("/")[1].isidentifier() or "-" in template.text.split("/")[1]
    ]
    rows = [("langson", LANGSON + target, 5) for target in targets]
    for found in proposed(snapshot, rows):
        assert not [one.text for one in there if overlap(one, found.template)]


def test_what_would_take_a_known_page_is_not_proposed(snapshot: Snapshot) -> None:
    """Some templates reach everywhere: /{tenant:word}/hotline."""
    rows = counted(snapshot, "langson", *(f"/so-tu-phap/{word}" for word in ("lich", "tin", "bai", "van-ban", "anh")))
    known = counted(snapshot, "langson", "/so-tu-phap/hotline")
    assert len(proposed(snapshot, rows)) == 1
    assert proposed(snapshot, rows, known) == []


def test_proposals_do_not_overlap_each_other(snapshot: Snapshot) -> None:
    dice = random.Random(11)
    words = ["a-b", "c-d", "e-f", "tin", "anh", "12", "7", "C08_XPHCDB", "bai-5.html"]
    targets = {"/ban-tin/" + "/".join(dice.choices(words, k=dice.randrange(1, 4))) for _ in range(300)}
    found = proposed(snapshot, counted(snapshot, "langson", *sorted(targets)))
    assert found
    for i, one in enumerate(found):
        assert not [other.template.text for other in found[:i] if overlap(one.template, other.template)]
    assert len({one.id for one in found}) == len(found)


def test_an_id_is_new_in_its_file(snapshot: Snapshot) -> None:
    rows = counted(snapshot, "langson", *(f"/ban-tin/{id_}" for id_ in IDS), *(f"/ban-tin/{id_}/in" for id_ in IDS))
    rows += counted(snapshot, "langson", *(f"/ban-tin/{id_}/{id_}" for id_ in IDS))
    ids = [one.id for one in proposed(snapshot, rows)]
    assert sorted(ids) == ["ban-tin", "ban-tin-2", "ban-tin-in"]


def test_only_the_most_visited_are_proposed(snapshot: Snapshot) -> None:
    rows: list[Counted] = []
    for number in range(6):
        rows += counted(snapshot, "langson", *(f"/ban-tin-{'abcdef'[number]}/{id_}" for id_ in IDS), visits=number + 1)
    found = proposed(snapshot, rows, most=2)
    assert [one.template.text for one in found] == ["/ban-tin-f/{id:number}", "/ban-tin-e/{id:number}"]


def test_a_portal_that_is_gone_from_the_rules_is_left_out(snapshot: Snapshot) -> None:
    assert proposed(snapshot, [("nowhere", f"nowhere.gov.vn/ban-tin/{id_}", 5) for id_ in IDS]) == []


def test_what_can_be_pasted_is_a_template_of_ours(snapshot: Snapshot) -> None:
    """Braces, quotes and question marks in paths make no TOML and no template that we could not read."""
    odd = [f"/ban%7Btin/{id_}" for id_ in IDS] + [f"/ban%22tin/{id_}" for id_ in IDS] + [f"/b%3Ft/{id_}" for id_ in IDS]
    for found in proposed(snapshot, counted(snapshot, "langson", *odd)):
        assert parse_template(found.template.text) == found.template
        Document("pasted.toml", found.rule_text())


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own too: unlike seconds, as many on a busy machine."""
    called = count()

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            next(called)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return next(called)


def test_the_work_grows_with_the_pages(snapshot: Snapshot) -> None:
    def work(pages: int) -> int:
        dice = random.Random(3)
        slugs = ["-".join(dice.choices(["tin", "bai", "so", "anh", "lich"], k=4)) for _ in range(pages)]
        rows = [("langson", f"{LANGSON}/{dice.choice(slugs[:50])}/{slug}/{i}", 1) for i, slug in enumerate(slugs)]
        return calls_of(lambda: proposed(snapshot, rows))

    work(500)  # so that what is remembered from then on is remembered
    assert work(8_000) < 10 * work(1_000), "eight times as many pages: some eight times the work"
