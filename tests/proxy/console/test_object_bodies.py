"""What programs may say of portals, destinations, families and lookups."""

from typing import Any

import pytest

from proxy.console.calls import Mistake
from proxy.console.object_bodies import SORTS, Sort, checked_body

PORTAL = {"kind": "province", "name": {"vi": "Cổng"}, "hosts": ["x.example.gov.vn"]}
DESTINATION = {"forms": [{"url": "https://dichvucong.gov.vn/"}]}


def sort(one: str) -> Sort:
    (found,) = [sort for sort in SORTS if sort.one == one]
    return found


KEPT = [
    ("portal", "x", PORTAL, {**PORTAL, "id": "x"}),
    ("portal", "x", {**PORTAL, "id": "x", "fold_case": True}, {**PORTAL, "id": "x"}),
    ("destination", "d", DESTINATION, {**DESTINATION, "name": "d"}),
    ("family", "f", {"version": 2}, {"family": "f", "version": 2}),
    ("lookup", "procedure", {"entries": {"12": "1.001193"}}, {"entries": {"12": "1.001193"}}),
    ("lookup", "procedure", {"entries": {}}, {"entries": {}}),
]


@pytest.mark.parametrize(("one", "id_", "body", "kept"), KEPT, ids=lambda one: str(one)[:40])
def test_what_is_said_is_kept_without_its_defaults(
    one: str, id_: str, body: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert checked_body(sort(one), id_, body) == kept


REFUSED = [
    ("portal", PORTAL | {"id": "y"}, "body.id"),
    ("portal", PORTAL | {"hosts": []}, "body.hosts"),
    ("portal", PORTAL | {"owner_of_all": True}, "body.owner_of_all"),
    ("portal", PORTAL | {"schedule": {"notice_at": "yesterday"}}, "body.schedule.notice_at"),
    (
        "portal",
        PORTAL | {"schedule": {"notice_at": "2026-01-02T00:00:00+07:00", "direct_at": "2026-01-01T00:00:00+07:00"}},
        "body.schedule",
    ),
    ("destination", {"forms": []}, "body.forms"),
    ("family", {"version": 1, "rule": [{"id": "a"}]}, "body.rule"),
    ("family", {}, "body.version"),
    ("lookup", {}, "body"),
    ("lookup", {"entries": {"a": "b"}, "more": 1}, "body"),
    ("lookup", {"entries": {"a": 1}}, "body.entries.a"),
    ("lookup", {"entries": {" a": "b"}}, "body.entries. a"),
    ("lookup", {"entries": {"a": ""}}, "body.entries.a"),
    ("lookup", {"entries": {"a": "b\nc"}}, "body.entries.a"),
]


@pytest.mark.parametrize(("one", "body", "named"), REFUSED, ids=lambda one: str(one)[:50])
def test_what_cannot_be_is_refused_by_its_name(one: str, body: dict[str, Any], named: str) -> None:
    with pytest.raises(Mistake) as refused:
        checked_body(sort(one), "x", body)
    assert named in [name for name, _ in refused.value.wrong]
