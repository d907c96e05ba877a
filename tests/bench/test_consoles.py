"""The console as it is measured: a process over a state folder, with somebody signed in who may do everything."""

from pathlib import Path

import pytest

from bench.consoles import ACTOR, console


def test_its_officer_sees_pages_and_calls_the_api(tmp_path: Path) -> None:
    for name in ("said", "state"):
        (tmp_path / name).mkdir()
    with console(tmp_path / "said", tmp_path / "state") as officer:
        assert officer.page("/rules") > 0
        assert officer.call("GET", "/rules/count")["count"] > 50
        assert officer.call("GET", f"/people/{ACTOR}")["grants"] == [{"role": "administrator", "province": "*"}]
        with pytest.raises(OSError, match="404"):
            officer.page("/nothing")
        work = officer.done(officer.call("POST", "/audit/verification"), seconds=120)
        assert work["result"]["holds"]
