"""A market of two years, the second one sealed; no phase has run but the first."""

from dataclasses import asdict
from pathlib import Path

from conftest import make_tiny_panel

from nse_lstm.config import Market, Study
from nse_lstm.json_files import write_json
from nse_lstm.paths import Paths
from nse_lstm.study.core.phase_tables import MarketFacts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL, write_table


def make_workspace(root: Path, *, known_through: int = 0) -> Workspace:
    """Two years of the tiny market, the second one sealed."""
    market = Market(name="tiny", label="Tiny", results_known_through=known_through)
    workspace = Workspace(Study(market=market), Paths(root, "tiny"))
    panel = make_tiny_panel(300)
    write_table(panel, PANEL, workspace.paths.processed / "panel.parquet")
    facts = MarketFacts(
        digest="d" * 64,
        test_year=2021,
        first_session="2020-01-06",
        last_session="2021-02-26",
        n_sessions=300,
        n_rows=900,
        n_tickers=3,
        walk_forward=[2020],
    )
    write_json(workspace.paths.processed / "market.json", asdict(facts))
    return workspace
