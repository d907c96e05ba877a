"""Which visits get to a rule: what `test_analysis` says of whole drafts, here of single questions."""

from dataclasses import replace

import pytest

from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.findings import Finding
from redirect_rules.model import Action
from redirect_rules.reach import Reach
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN


def listed(path: str, portal: str = "langson", name: str = "r", **more: object) -> ExactRule:
    return ExactRule(portal, path, (), Action.GONE, name, **more)  # type: ignore[arg-type]


# path             segments, or what is said
PATHS = [
    ("/",          ()),
    ("/vi/a%20b",  ("vi", "a b")),
    ("/a%2Fb",     ("a/b",)),
    ("/a%2fb",     "write /a%2Fb"),
    ("/vi/",       "write /vi"),
    ("/a/../b",    "write /b"),
    ("/%zz",       "begins no escape"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_a_listed_path_is_one_that_visits_are_looked_up_by(
    snapshot: Snapshot, path: str, expected: tuple[str, ...] | str
) -> None:
    found = Reach(snapshot, AUTUMN).path_of(listed(path))
    if isinstance(found, Finding):
        assert isinstance(expected, str)
        assert expected in found.say
    else:
        assert found == expected


def test_where_case_is_not_folded_capitals_are_paths(snapshot: Snapshot) -> None:
    portals = {host: replace(portal, fold_case=False) for host, portal in snapshot.portals.items()}
    assert Reach(replace(snapshot, portals=portals), AUTUMN).path_of(listed("/Vi")) == ("Vi",)


def test_rules_of_one_address_are_compared_unless_the_index_has_done_so(snapshot: Snapshot) -> None:
    reach = Reach(replace(snapshot, exact=DictIndex([listed("/a", name="old")])), AUTUMN)
    new = listed("/a", name="new", destination="home")
    assert [found.other for found in reach.of_listed(new, ("a",), compiled=False)] == ["old"]
    assert reach.of_listed(new, ("a",), compiled=True) == []
