"""On the loop that the edge runs on: its transports are no asyncio.Transport."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest
import uvloop

Loops: TypeAlias = Mapping[str, Callable[[], uvloop.Loop]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Loops:
    return {"uvloop": uvloop.new_event_loop}
