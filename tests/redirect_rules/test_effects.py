"""What a draft would change for people, counted in distinct addresses."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from proxy.packs import Packs
from redirect_rules import effects
from redirect_rules.dict_index import DictIndex
from redirect_rules.effects import EffectReport, Kind, effect
from redirect_rules.exact import ExactRule
from redirect_rules.model import Action, Switch
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN

HOST = "dichvucong.langson.gov.vn"
HELP = "https://dichvucong.gov.vn/huong-dan-su-dung/huong-dan-chung"


def line(target: str, *, host: str = HOST, agent: str = "Mozilla/5.0", method: str = "GET") -> str:
    return f'{host} 203.0.113.7 - - [01/Jul/2025:00:00:00 +0700] "{method} {target} HTTP/1.1" 200 5 "-" "{agent}"'


def with_rules(snapshot: Snapshot, *rules: ExactRule) -> Snapshot:
    return replace(snapshot, exact=DictIndex(rules))


def listed(path: str, destination: str = "", action: Action = Action.NOTICE, url: str = "") -> ExactRule:
    return ExactRule("langson", path, (), action, f"langson{path}", destination, url=url)


def report_of(
    packs: Packs, after: Snapshot, requests: Iterable[bytes | str | tuple[str, int]], **more: int
) -> EffectReport:
    return effect(packs.snapshot, after, requests, now=AUTUMN, crawlers=packs.crawlers, **more)  # type: ignore[arg-type]


# a rule of the draft                          address        what it is to people
KINDS = [
    (listed("/moi", "help"),                   "/moi",        Kind.MAPPED),
    (listed("/vi", "help"),                    "/vi",         Kind.MOVED),
    (listed("/vi", action=Action.PASS),        "/vi",         Kind.OPENED),
    (listed("/nop-ho-so/7", "help"),           "/nop-ho-so/7", Kind.CLOSED),
    (listed("/vi", "home", Action.REDIRECT),   "/vi",         Kind.ANSWERED),
    (listed("/vi", "home"),                    "/vi",         None),  # another rule that says the same
    (listed("/moi", "home"),                   "/moi",        None),  # the front page, as before
    (listed("/moi", "help"),                   "/khac",       None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "target", "kind"), KINDS)
def test_a_change_is_what_a_visitor_can_tell(packs: Packs, rule: ExactRule, target: str, kind: Kind | None) -> None:
    report = report_of(packs, with_rules(packs.snapshot, rule), [line(target)])
    assert [change.kind for change in report.changes] == ([kind] if kind else [])


def test_what_was_mapped_and_is_no_more_is_lost(packs: Packs) -> None:
    before = with_rules(packs.snapshot, listed("/cu", "help"))
    report = effect(before, packs.snapshot, [line("/cu")], now=AUTUMN, crawlers=packs.crawlers)
    (change,) = report.changes
    assert (change.kind, change.before.target, change.before.rule) == (Kind.LOST, HELP, "langson/cu")
    assert change.after.rule == ""


def test_nothing_changes_between_equals(packs: Packs) -> None:
    report = report_of(packs, packs.snapshot, [line("/vi"), line("/khong-co"), line("/%zz")])
    assert (report.changed, report.urls, report.visits) == (0, 2, 3)


def test_distinct_addresses_are_counted_whatever_their_spelling_and_their_visits(packs: Packs) -> None:
    after = with_rules(packs.snapshot, listed("/moi", "help"))
    lines = [line("/moi"), line("/MOI/"), line("/moi?utm_source=x"), line("/khac"), line("/moi", agent="Googlebot/2.1")]
    report = report_of(packs, after, lines)
    assert (report.changed, report.urls, report.visits) == (1, 2, 5)
    assert report.in_words().startswith("1 of 2 distinct URLs change (5 visits)")
    assert sum(report.changes.values()) == 4


def test_an_address_that_changes_in_two_ways_is_one_address_of_each_kind(packs: Packs) -> None:
    after = with_rules(packs.snapshot, listed("/vi", "help"), listed("/moi", "help"))
    asked = [
        line(target, agent=agent) for target in ("/vi", "/moi", "/moi?utm_source=x") for agent in ("", "Googlebot/2.1")
    ]
    report = report_of(packs, after, asked)
    assert len(report.changes) > report.changed == 2
    assert dict(report.by_kind) == {"moved": 1, "mapped": 1}
    assert dict(report.by_portal) == {"langson": 2}


def test_every_way_to_ask_gives_the_same_answer(packs: Packs) -> None:
    after = with_rules(packs.snapshot, listed("/moi", "help"))
    logged = f"{line('/moi')}\n{line('/moi')}\n".encode()
    asked: list[bytes | str | tuple[str, int]] = [line("/moi"), logged[:70], logged[70:], (f"{HOST}/moi", 3)]
    report = report_of(packs, after, asked)
    ((change, visits),) = report.changes.items()
    assert (change.url, visits) == (f"{HOST}/moi", 6)


# a recorded hit                        can be decided again
HITS = [
    (f"{HOST}/moi",                     True),
    (f"{HOST}/moi?ma=",                 False),  # its value was not kept
    (f"{HOST}/ho-so/########",          False),  # masked
    (f"{HOST}/rat/dai/…",               False),  # cut
    ("(other)",                         False),
]  # fmt: skip


@pytest.mark.parametrize(("key", "decidable"), HITS)
def test_a_hit_that_lost_its_values_is_not_guessed(packs: Packs, key: str, decidable: bool) -> None:  # noqa: FBT001
    report = report_of(packs, packs.snapshot, [(key, 7)])
    assert (report.unreadable, report.urls) == ((0, 1) if decidable else (7, 0))


def test_a_switch_is_seen(packs: Packs) -> None:
    after = replace(packs.snapshot, switches={"langson": Switch.PASS})
    report = report_of(packs, after, [line("/vi"), line("/vi", host="dichvucong.hanoi.gov.vn")])
    assert dict(report.by_kind) == {"opened": 1}
    assert dict(report.by_portal) == {"langson": 1}


def test_the_report_as_data(packs: Packs) -> None:
    after = with_rules(packs.snapshot, listed("/moi", "help"))
    report = report_of(packs, after, [line("/moi"), line("/", host="evil.example"), "nonsense"], most=1)
    assert report.as_json() == {
        "visits": 3,
        "unreadable": 1,
        "elsewhere": 1,
        "urls": 1,
        "changed": 1,
        "kinds": {"mapped": 1},
        "portals": {"langson": 1},
        "changes": [
            {
                "url": f"{HOST}/moi",
                "portal": "langson",
                "kind": "mapped",
                "before": {"outcome": "notice", "target": "https://dichvucong.gov.vn/", "lasting": False, "rule": ""},
                "after": {"outcome": "notice", "target": HELP, "lasting": False, "rule": "langson/moi"},
                "visits": 1,
            }
        ],
        "visits_not_named": 0,
    }


def test_changes_beyond_the_most_are_counted_but_not_named(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "MOST_CHANGES", 2)
    after = with_rules(packs.snapshot, *(listed(f"/moi-{number}", "help") for number in range(4)))
    report = report_of(packs, after, [line(f"/moi-{number}") for number in range(4)])
    assert (len(report.changes), report.unnamed, report.changed) == (2, 2, 4)
    assert "too many to name" in report.in_words()
