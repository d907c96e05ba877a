"""The parts are joined once, and nothing is half-started."""

from contextlib import closing
from pathlib import Path

import pytest

from proxy.app import create_app, load_parts
from proxy.clock import utc_now
from proxy.state import State
from redirect_rules.sources import Problems
from redirect_rules.stores.hits import Span
from tests.conftest import AUTUMN, Start, settings_with

BOT = {"User-Agent": "Googlebot", "Accept": "text/html"}


def test_the_clock_knows_its_zone() -> None:
    assert utc_now().utcoffset() is not None


def test_mistakes_of_rules_and_pages_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "nowhere").mkdir()
    environ = {"DVC_EDGE__RULES__PORTALS": "missing.toml", "DVC_EDGE__NOTICE__OVERRIDES": str(tmp_path)}
    (tmp_path / "messages.vi.toml").write_text('[closed]\nnonsense = "x"\n')
    with pytest.raises(Problems) as caught:
        load_parts(settings_with(environ))
    said = str(caught.value)
    assert "missing.toml: cannot be read" in said
    assert "messages.vi.toml" in said


def test_an_edge_is_whole_before_it_listens() -> None:
    app = create_app(settings_with())
    assert app.edge is not None
    assert app.packs.snapshot.portals
    assert app.pages.languages()[0] == "vi"


def stored(folder: Path) -> bytes:
    """Everything that a store has written."""
    return b"".join(path.read_bytes() for path in folder.glob("rules.db*"))


async def test_what_was_answered_is_in_the_store_once_the_edge_has_stopped(start: Start, tmp_path: Path) -> None:
    environ = {"DVC_EDGE__STATE__FOLDER": str(tmp_path), "DVC_EDGE__HITS__KEEP_DAYS": "7"}
    async with start(environ=environ) as edge:
        for _ in range(3):
            await edge.get("https://dichvucong.langson.gov.vn/khong/ai/biet?x=bi-mat")
        await edge.get("https://dichvucong.langson.gov.vn/vi", BOT)
    store = State.of(settings_with(environ)).hits()
    with closing(store):
        (coverage,) = store.coverage(Span.until(AUTUMN.date(), 1))
        assert (coverage.portal, coverage.pages, coverage.mapped) == ("langson", 4, 1)
    octets = stored(tmp_path)
    assert b"khong/ai/biet" in octets
    assert b"bi-mat" not in octets
