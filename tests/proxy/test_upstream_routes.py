"""Where paths that pass go: the file of upstreams, joined with the portals, and every mistake told with its remedy."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.packs import Packs
from proxy.upstream_routes import UpstreamFile, contradictions, load_upstreams
from redirect_rules.model import Life, Portal
from redirect_rules.sources import Problems
from tests.conftest import CONF, settings_with
from tests.passing_peers.certificates import Authority

UPSTREAM = '[[upstream]]\nname = "a"\norigins = [{ url = "https://10.0.0.5" }]\n'
ROUTE = '[[route]]\nportal = "langson"\nupstream = "a"\n'


def loaded(folder: Path, text: str, portals: Sequence[Portal] | None) -> UpstreamFile:
    path = folder / "upstreams.toml"
    path.write_text(text)
    return load_upstreams(settings_with({"DVC_EDGE__PASSING__FILE": str(path)}), portals)


def lang_son(packs: Packs, **changes: object) -> Portal:
    return replace(packs.snapshot.portals["dichvucong.langson.gov.vn"], **changes)  # type: ignore[arg-type]


MISTAKES = [
    # the file, below its upstream                         what is said of it, with its line
    ('[[route]]\nportal = "nowhere"\nupstream = "a"\n',    "toml:5: there is no portal 'nowhere': write the `id`"),
    ('[[route]]\nportal = "gone"\nupstream = "a"\n',       "toml:5: nothing lives on behind 'gone'"),
    ('[[route]]\nportal = "named"\nupstream = "a"\n',      "'named' goes to 'a' here, and to 'http://10.0.0.7'"),
    ('[[route]]\nportal = "langson"\nupstream = "b"\n',    "there is no upstream 'b'"),
    ('[upstream.tls]\nca_file = "none.pem"\n',             "toml:5: {conf}/none.pem: No such file or directory; name a PEM file"),
    ('[upstream.tls]\nca_file = "edge.toml"\n',            "toml:4: the certificates of 'a' cannot be used: "),
    ("[upstream.timers]\nconnect = 0\n",                   "toml:5: upstream.0.timers.connect: "),
    ("[[upstreem]]\n",                                     "unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_names_its_line_and_what_to_write(packs: Packs, tmp_path: Path, text: str, said: str) -> None:
    portals = [
        lang_son(packs),
        lang_son(packs, id="gone", life=Life.GONE),
        lang_son(packs, id="named", upstream="http://10.0.0.7"),
    ]
    with pytest.raises(Problems) as caught:
        loaded(tmp_path, UPSTREAM + text, portals)
    assert said.replace("{conf}", str(CONF)) in str(caught.value)


def test_every_mistake_is_told_at_once(packs: Packs, tmp_path: Path) -> None:
    text = UPSTREAM + '[upstream.tls]\nca_file = "none.pem"\n' + '[[route]]\nportal = "x"\nupstream = "a"\n'
    bad = lang_son(packs, id="bad", upstream="http://a b")
    with pytest.raises(Problems) as caught:
        loaded(tmp_path, text, [lang_son(packs), bad])
    assert len(caught.value.problems) == 3


def test_a_missing_file_is_told(packs: Packs, tmp_path: Path) -> None:
    settings = settings_with({"DVC_EDGE__PASSING__FILE": str(tmp_path / "none.toml")})
    with pytest.raises(Problems, match="cannot be read"):
        load_upstreams(settings, [lang_son(packs)])


def test_certificates_are_read_where_they_are_needed(packs: Packs, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    sound = f'[upstream.tls]\nca_file = "{authority.file}"\n'
    assert loaded(tmp_path, UPSTREAM + sound, [lang_son(packs)]).row.upstream[0].tls.ca_file


def test_a_route_beside_an_upstream_of_the_portal_is_no_contradiction(packs: Packs, tmp_path: Path) -> None:
    portal = lang_son(packs, upstream="http://10.0.0.7")
    file = loaded(tmp_path, UPSTREAM + ROUTE.replace("upstream", 'path = "/api"\nupstream'), [portal])
    routes = file.routes([portal])
    found = [routes.find("langson", path) for path in ("/api/x", "/x")]
    assert [upstream.name if upstream else "" for upstream in found] == ["a", "portal:langson"]
    assert not contradictions(file.row, {"langson": portal})


def test_what_comes_with_a_number_is_told_and_keeps_nobody_from_serving(packs: Packs, tmp_path: Path) -> None:
    """It was published by other people on another machine: the edge must start with it."""
    path = tmp_path / "upstreams.toml"
    path.write_text(UPSTREAM + ROUTE + ROUTE.replace("langson", "nowhere"))
    settings = settings_with({"DVC_EDGE__PASSING__FILE": str(path)})
    portals = [lang_son(packs, upstream="http://10.0.0.7"), lang_son(packs, id="bad", upstream="http://a b")]
    file = load_upstreams(settings, portals, published=True)
    assert {said.partition(",")[0] for said in file.complaints(portals)} == {
        "there is no portal 'nowhere' any more",
        "the whole of 'langson' goes to 'a' here",
        "bad: no upstream: 'http://a b'",
    }
    assert file.routes(portals).find("bad", "/") is None
    assert not file.complaints([lang_son(packs), lang_son(packs, id="nowhere")])


def test_where_a_new_number_contradicts_the_route_is_believed(packs: Packs, tmp_path: Path) -> None:
    file = loaded(tmp_path, UPSTREAM + ROUTE, [lang_son(packs)])
    portal = lang_son(packs, upstream="http://10.0.0.7")
    found = file.routes([portal]).find("langson", "/x")
    assert found is not None
    assert found.name == "a"
    assert list(contradictions(file.row, {"langson": portal})) == [0]
