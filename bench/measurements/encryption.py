"""TLS: kept connections and new handshakes."""

from collections.abc import Iterator

from bench.figures import Row, Skipped
from bench.workshop import Workshop
from proxy.config import Listen

ABOUT = "Kept connections and new handshakes beside nginx with the same certificate."
_WHY = "not built: issue 4 E"


class NotMeasured(Exception):
    """The edge has a listener that nobody measures."""


def run(_: Workshop) -> Iterator[Row]:
    """Nothing to measure while the edge has no listener for it.  Raises NotMeasured as soon as it has one."""
    if set(Listen.model_fields) != {"host", "port"}:
        raise NotMeasured(f"listen has {', '.join(Listen.model_fields)}: measure TLS here beside nginx")
    yield Skipped("TLS, kept connections: CPU, nginx ÷ edge (≥ 0.75)", _WHY)
    yield Skipped("TLS, new handshakes: CPU, nginx ÷ edge (≥ 0.7)", _WHY)
