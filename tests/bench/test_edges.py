"""Our edge is started as people start it, and what its processes hold is told apart."""

from pathlib import Path

import pytest

from bench import states
from bench.edges import edge
from bench.rulesets import CRAWLING, head, old_address
from bench.servers import exchange, field

pytestmark = pytest.mark.clocked


def test_an_edge_serves_a_state_folder_with_its_log_in_a_file(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "edge"
    folder.mkdir()
    states.made("exact", state, 50)
    one = old_address(7, states.sites(states.shipped()))
    with edge(folder, state, workers=2, cpu=None) as serving:
        (answer,) = exchange(serving.server.port, [head(one.site.host, one.path, *CRAWLING)])
        assert len(serving.workers()) == 2
        assert 0 < serving.worker_memory().private < serving.server.memory().private
        assert serving.metric('dvc_edge_workers{state="ready"}') == 2
        assert serving.metric("nobody_counts_this") == 0
        assert serving.ready_seconds > 0
    assert field(answer, "Location") == one.target
    assert one.rule in (folder / "stdout").read_text()
