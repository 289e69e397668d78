"""A service on three invented stocks: persistence, and a network of four units."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from conftest import make_tiny_panel

from nse_lstm.config import Market, Study
from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.service.app import make_app
from nse_lstm.deployment.service.limits import Limits
from nse_lstm.deployment.service.server import make_server
from nse_lstm.deployment.service.snapshot import Source
from nse_lstm.deployment.service.snapshot_cache import SnapshotCache
from nse_lstm.paths import Paths
from nse_lstm.tables import PANEL, read_table, write_table
from support.stored_network import leave_network

STUDY = Study(market=Market(name="tiny", label="Tiny"))
TOKEN = "a-token-of-thirty-two-characters"
VERSIONS = {1: "1" * 64, 2: "2" * 64, 3: "3" * 64}


def promote_persistence(
    source: Source, ticker: str, *, stage: str = "champion"
) -> None:
    promote(
        source.paths.registry,
        ticker=ticker,
        stage=stage,
        model="persistence",
        version="persistence",
        bundle="",
        evidence="e" * 64,
        why="nothing beat it",
    )


def promote_network(
    source: Source, number: int, *, stage: str = "champion", ticker: str = "BBB"
) -> None:
    promote(
        source.paths.registry,
        ticker=ticker,
        stage=stage,
        model="v2",
        version=VERSIONS[number],
        bundle=f"v2/{ticker}_{number}",
        evidence="e" * 64,
        why="it is better",
    )


def make_source(root: Path) -> Source:
    """Leave a panel, two networks of BBB, and champions of AAA and BBB."""
    paths = Paths(root=root, market="tiny")
    panel_path = paths.processed / "panel.parquet"
    write_table(make_tiny_panel(), PANEL, panel_path)
    source = Source(STUDY, paths, lambda: read_table(PANEL, panel_path))
    for number in (1, 2):
        version = VERSIONS[number]
        folder = paths.models / "v2" / f"BBB_{number}"
        leave_network(folder, seed=number, ticker="BBB", version=version)
    promote_persistence(source, "AAA")
    promote_persistence(source, "BBB", stage="challenger")
    promote_network(source, 1)
    return source


@dataclass(frozen=True)
class Service:
    """A running server, and a client of it."""

    port: int
    holder: SnapshotCache
    client: httpx.Client


@contextmanager
def running(
    source: Source, *, token: str = TOKEN, limits: Limits | None = None
) -> Iterator[Service]:
    """Run the real server on a free port of this machine."""
    limits = limits or Limits()
    app = make_app(source, token=token, limits=limits)
    server = make_server(app, limits, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        port = _port(server)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Service(port, app.state.holder, client)
    finally:
        server.should_exit = True
        thread.join(20)


def _port(server: uvicorn.Server) -> int:
    for _ in range(500):
        if server.started:
            return int(server.servers[0].sockets[0].getsockname()[1])
        time.sleep(0.01)
    raise TimeoutError("the server did not start")
