"""State folders are made as a publication would make them."""

from pathlib import Path

from bench import states
from bench.rulesets import head, old_address, template
from bench.states import NOW
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.opening import opened
from redirect_rules.snapshot_file import path_of


def leads(folder: Path, host: str, target: str) -> str | None:
    packs = opened(path_of(folder / "snapshots", 1))
    try:
        decision = decide(Visit(host, target), packs.snapshot, NOW)
        assert isinstance(decision, Decision)
        return decision.way.target if decision.way else None
    finally:
        packs.close()


def test_exact_rules_of_a_state_folder_lead_where_the_load_expects_it(tmp_path: Path) -> None:
    took = states.made("exact", tmp_path, 200)
    sites = states.sites(states.shipped())
    assert len(sites) == states.SITES
    one = old_address(137, sites)
    assert leads(tmp_path, one.site.host, one.path) == one.target
    assert took.megabytes > 0
    assert took.wall_seconds > 0


def test_templates_of_a_state_folder_lead_with_their_number(tmp_path: Path) -> None:
    states.made("templates", tmp_path, 12)
    host = states.sites(states.shipped())[0].host
    for number in range(12):
        target = template(number).sample.format(4711)
        assert head(host, target)
        assert leads(tmp_path, host, target) == f"{states.KEYWORD}4711"


def test_rules_that_name_a_procedure_lead_to_its_page(tmp_path: Path) -> None:
    states.made("named", tmp_path, 40)
    packs = states.shipped()
    one = old_address(31, states.sites(packs))
    page = packs.snapshot.destinations.build("procedure", {"code": states.code(one)}, now=NOW)
    assert leads(tmp_path, one.site.host, one.path) == page
    assert page
