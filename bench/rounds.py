"""Contestants in turn: every round asks each of them once, so that what disturbs the machine disturbs all alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bench.figures import Figure, Target, ratios
from bench.servers import Server, exchange
from bench.servers import field as header
from bench.wrk import Loaded, load

_SAMPLE: Final = 300
_WARM_SECONDS: Final = 1.0


class WrongAnswer(Exception):
    """A server does not answer what it should: measuring it would mean nothing."""


class Question(NamedTuple):
    """A request, and where its answer has to lead."""

    request: bytes
    target: str  # "" where the answer is no redirect


Draw = Callable[[int], Sequence[Question]]
"""The questions of a round, by its number; no two rounds ask the same where enough can be asked."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server, and what it is asked."""

    name: str
    server: Server
    draw: Draw
    refusals: bool = False  # whether it answers with 400 and more, as it should
    kept: bool = True  # whether connections are; else each question says that it is the last of its own
    fill: bool = False  # whether every question is asked once before anything is measured


@dataclass(slots=True)
class Measured:
    """What one contestant took, a value for each round."""

    cpu_micros: list[float] = field(default_factory=list)  # for one request
    rate: list[float] = field(default_factory=list)  # requests a second
    p50: list[float] = field(default_factory=list)  # microseconds
    p99: list[float] = field(default_factory=list)


def check_answers(contestant: Contestant) -> None:
    """Ask some questions and look at every answer.  Raises WrongAnswer."""
    questions = contestant.draw(-1)[:_SAMPLE]
    for question, answer in zip(
        questions, exchange(contestant.server.port, [one.request for one in questions]), strict=True
    ):
        if question.target and header(answer, "Location") != question.target:
            asked = question.request.partition(b"\r\n")[0].decode()
            raise WrongAnswer(f"{contestant.name}: {asked} should lead to {question.target}, not: {answer[:300]!r}")
        if not question.target and answer[9:10] not in (b"4" if contestant.refusals else b"2"):
            raise WrongAnswer(f"{contestant.name}: {question.request[:200]!r} was answered with {answer[:300]!r}")


def measure(
    contestants: Sequence[Contestant], *, rounds: int, seconds: float, told: Callable[[str], None]
) -> Mapping[str, Measured]:
    """Ask all contestants in turn, after a sample of each was looked at and each has been warmed."""
    found = {one.name: Measured() for one in contestants}
    for contestant in contestants:
        told(f"{contestant.name}: looking at answers")
        if contestant.kept:
            check_answers(contestant)
        if contestant.fill:
            exchange(contestant.server.port, [one.request for one in contestant.draw(-1)])
        _loaded(contestant, -1, _WARM_SECONDS)
    for number in range(rounds):
        for contestant in contestants:
            before = contestant.server.cpu_seconds()
            loaded = _loaded(contestant, number, seconds)
            cpu = (contestant.server.cpu_seconds() - before) / loaded.requests * 1e6
            told(f"round {number + 1}: {contestant.name}: {cpu:.1f} µs/request, {loaded.rate:,.0f} requests/s")
            measured = found[contestant.name]
            measured.cpu_micros.append(cpu)
            measured.rate.append(loaded.rate)
            measured.p50.append(loaded.p50)
            measured.p99.append(loaded.p99)
    return found


def _loaded(contestant: Contestant, number: int, seconds: float) -> Loaded:
    questions = [one.request for one in contestant.draw(number)]
    return load(contestant.server.port, questions, seconds, refusals=contestant.refusals)


def cost(name: str, measured: Measured) -> list[Figure]:
    """What a contestant took, as rows."""
    return [
        Figure(f"{name}: CPU", tuple(measured.cpu_micros), "µs/request"),
        Figure(f"{name}: rate on one core", tuple(measured.rate), "requests/s"),
        Figure(f"{name}: p50", tuple(measured.p50), "µs"),
        Figure(f"{name}: p99", tuple(measured.p99), "µs"),
    ]


def times_as_cheap(what: str, ours: Measured, theirs: Measured, target: Target | None, note: str = "") -> Figure:
    """How many of our requests cost as much CPU as one of theirs."""
    return Figure(what, ratios(theirs.cpu_micros, ours.cpu_micros), "×", target, note)
