"""Where rules lead, followed to the end."""

from dataclasses import replace

import pytest

from redirect_rules.canonical import canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.findings import Flaw
from redirect_rules.model import Action, Goal
from redirect_rules.onward import LONGEST_CHAIN, Onward
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN

HERE, THERE = "dichvucong.langson.gov.vn", "dichvucong.hanoi.gov.vn"
NATIONAL = "https://dichvucong.gov.vn"


def leading(snapshot: Snapshot, *ways: tuple[str, str]) -> Snapshot:
    """Rules from a path of Lạng Sơn's or Hà Nội's to an address."""
    portals = {HERE: "langson", THERE: "hanoi"}
    rules = [
        ExactRule(portals[host], f"/{path}", (), Action.REDIRECT, f"{host}/{path}", url=url)
        for (host, _, path), url in ((begin.partition("/"), url) for begin, url in ways)
    ]
    return replace(snapshot, exact=DictIndex(rules))


# ways                                                                          from        over                                       loops
CHAINS = [
    ([],                                                                        "evil.example/x", [],                                  False),
    ([],                                                                        f"{HERE}/vi", [f"{NATIONAL}/"],                        False),
    ([],                                                                        f"{HERE}/khong-co", [f"{NATIONAL}/"],                  False),
    ([],                                                                        f"{HERE}/nop-ho-so/7", [],                             False),
    ([(f"{HERE}/b", f"https://{THERE}/vi")],                                    f"{HERE}/b", [f"https://{THERE}/vi", f"{NATIONAL}/"],  False),
    ([(f"{HERE}/b", f"https://{THERE}/b"), (f"{THERE}/b", f"https://{HERE}/b")], f"{HERE}/b", [f"https://{THERE}/b", f"https://{HERE}/b"], True),
    ([(f"{HERE}/b", f"{NATIONAL}/p/home")],                                     f"{HERE}/b", [f"{NATIONAL}/p/home", f"{NATIONAL}/"],   False),
]  # fmt: skip


@pytest.mark.parametrize(("ways", "begin", "over", "loops"), CHAINS)
def test_a_way_is_followed_to_its_end(
    snapshot: Snapshot, ways: list[tuple[str, str]], begin: str, over: list[str], *, loops: bool
) -> None:
    chain = Onward(leading(snapshot, *ways), AUTUMN).chain("begin", f"https://{begin}")
    assert (chain.addresses, chain.loops) == (("https://begin", f"https://{begin}", *over), loops)


def test_a_way_without_end_is_given_up(snapshot: Snapshot) -> None:
    ways = [(f"{HERE}/n{number}", f"https://{HERE}/n{number + 1}") for number in range(50)]
    chain = Onward(leading(snapshot, *ways), AUTUMN).chain("begin", f"https://{HERE}/n0")
    assert not chain.loops
    assert len(chain.addresses) == LONGEST_CHAIN + 1


def test_what_is_sound_once_is_sound_for_all(snapshot: Snapshot) -> None:
    onward, key = Onward(snapshot, AUTUMN), canonical_key(HERE, "/a")
    goal, code = Goal("procedure"), (("code", "1.001193"),)
    assert not onward.sound(goal, code)
    assert onward.flaw(key, goal, code) is None
    assert onward.sound(goal, code)
    assert not onward.sound(Goal("archive"), ())
    assert onward.flaw(key, Goal("archive"), ()) is None
    assert not onward.sound(Goal("archive"), ()), "what hangs on the path is asked for every path"


def test_an_archive_that_leads_back_is_found_by_its_path(snapshot: Snapshot) -> None:
    onward = Onward(snapshot, AUTUMN)
    goal = Goal("", url=f"{NATIONAL}{{old_path}}")
    assert onward.flaw(canonical_key(HERE, "/a"), goal, ()) is None
    wrong = onward.flaw(canonical_key(HERE, "/p/home"), goal, ())
    assert wrong is not None
    assert wrong.kind is Flaw.CHAIN
