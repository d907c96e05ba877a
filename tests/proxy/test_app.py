"""The parts are joined once, and nothing is half-started."""

import re
from pathlib import Path

import pytest

from proxy.app import create_app, load_parts, speakable_id, utc_now
from redirect_rules.sources import Problems
from tests.conftest import settings_with


def test_an_id_can_be_read_out_over_the_telephone() -> None:
    ids = {speakable_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(r"[2-9a-hjkmnp-z]{4}(?:-[2-9a-hjkmnp-z]{4}){2}", one) for one in ids)
    assert not set("".join(ids)) & set("01ilo")


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
