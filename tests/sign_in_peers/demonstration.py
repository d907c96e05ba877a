"""The demonstration as `make run` shows it, in this process and on free ports: edge, issuer, store, providers, system."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy import config_file
from proxy.app import App, create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from proxy.simulation.server import Simulation, simulated
from tests.conftest import CONF
from tests.sign_in_peers.issuer import free_port

FOLDER = CONF / "demonstration"
MORE = '\n[forward_auth]\npeers = ["127.0.0.1"]\n'


@dataclass(frozen=True)
class Demonstration:
    """All of it."""

    app: App
    file: Path  # its edge.toml
    port: int
    simulation: Simulation
    log: io.StringIO

    def address(self, target: str, host: str = "dichvucong.khanhhoa.gov.vn") -> str:
        return f"http://{host}.localhost:{self.port}{target}"


def copied(folder: Path, edge_port: int, simulator_port: int, state: Path) -> Path:
    """The demonstration's configuration on other ports; the path of its edge.toml."""
    for source in FOLDER.rglob("*.toml"):
        text = source.read_text("utf-8").replace("8080", str(edge_port)).replace("8090", str(simulator_port))
        text = text.replace('"../../var"', f'"{state}"').replace('"../', f'"{CONF}/')
        if source.name == "sign_in.toml":
            text += MORE
        if source.name == "edge.toml":
            text += f"\n[listen]\nport = {edge_port}\n[operations]\nport = 0\n[hits]\nkeep_days = 0\n"
        target = folder / source.relative_to(FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return folder / "edge.toml"


@asynccontextmanager
async def demonstration(packs: Packs, pages: Pages, folder: Path) -> AsyncIterator[Demonstration]:
    """Everything, until the block ends."""
    edge_port, simulator_port = free_port(), free_port()
    file = copied(folder / "conf", edge_port, simulator_port, folder / "state")
    settings, log = config_file.load(file, {}), io.StringIO()
    app = create_app(settings, parts=(packs, pages), log=log)
    async with (
        simulated(settings.sso.issuer, simulator_port, environment="development") as simulation,
        running(app),
    ):
        yield Demonstration(app, file, edge_port, simulation, log)
