"""Contestants are asked in turn, and only those that answer rightly."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.figures import Verdict, at_least
from bench.rounds import Contestant, Measured, Question, WrongAnswer, check_answers, cost, measure, times_as_cheap
from bench.rulesets import CRAWLING, Site, head, old_addresses
from bench.servers import Server, free_port, serving

RULES = list(old_addresses(50, [Site("langson", "a.gov.vn")]))
QUESTIONS = [Question(head(one.site.host, one.path, *CRAWLING), one.target) for one in RULES]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pairs = tmp_path / "rules.tsv"
    pairs.write_text("".join(f"{one.site.host}{one.path}\t{one.target}\n" for one in RULES))
    port = free_port()
    with serving([sys.executable, "-m", "bench.plain", str(port), str(pairs)], port=port, folder=tmp_path) as started:
        yield started


def test_rounds_alternate_and_everybody_is_measured_in_each(server: Server) -> None:
    order: list[str] = []

    def draw(name: str, number: int) -> list[Question]:
        order.append(f"{name}{number}")
        return QUESTIONS

    contestants = [Contestant(name, server, lambda number, name=name: draw(name, number)) for name in "ab"]  # type: ignore[misc]
    found = measure(contestants, rounds=2, seconds=1, told=lambda _: None)
    assert [one for one in order if not one.endswith("-1")] == ["a0", "b0", "a1", "b1"]
    for measured in found.values():
        assert len(measured.cpu_micros) == len(measured.rate) == 2
        assert all(micros > 1 for micros in measured.cpu_micros)


def test_a_server_that_leads_elsewhere_is_not_measured(server: Server) -> None:
    wrong = [*QUESTIONS[:3], QUESTIONS[3]._replace(target="https://dichvucong.gov.vn/khac")]
    with pytest.raises(WrongAnswer, match="should lead to"):
        check_answers(Contestant("plain", server, lambda _: wrong))


def test_a_page_that_is_not_there_is_no_answer_unless_it_is_what_is_asked_for(server: Server) -> None:
    lost = [Question(head("a.gov.vn", "/khong", *CRAWLING), "")]
    with pytest.raises(WrongAnswer):
        check_answers(Contestant("plain", server, lambda _: lost))
    check_answers(Contestant("plain", server, lambda _: lost, refusals=True))


def test_half_the_cost_is_twice_as_cheap() -> None:
    ours, theirs = Measured(cpu_micros=[10.0, 20.0]), Measured(cpu_micros=[20.0, 40.0])
    figure = times_as_cheap("nginx ÷ edge", ours, theirs, at_least(2))
    assert figure.values == (2.0, 2.0)
    assert figure.verdict is Verdict.MET


def test_the_cost_of_a_contestant_is_four_rows() -> None:
    rows = cost("edge", Measured([1.0], [2.0], [3.0], [4.0]))
    assert [row.unit for row in rows] == ["µs/request", "requests/s", "µs", "µs"]
