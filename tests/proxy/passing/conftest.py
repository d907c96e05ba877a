"""These tests run on the loop that the edge runs on; those of the connections on Python's own too."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Loops:
    loops: Loops = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return loops if item.path.name == "test_connections.py" else {"uvloop": loops["uvloop"]}
