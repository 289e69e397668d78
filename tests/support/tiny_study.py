"""A study of seconds: the real code path on two stocks with a network of four units."""

from pathlib import Path

from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.training.train import train_all

STUDY = """
seed = 1

[markets.simulated]
label = "Simulated market: a test"
simulated = true

[markets.files]
label = "Files of a test"

[simulation]
first_year = 2021
last_year = 2024
n_ordinary = 4

[universe]
n_recommended = 2
min_sessions = 300

[v1]
max_windows = 300
max_epochs = 2

[v2]
lookback = 8
units = 4
dense_units = 3

[stock_lstm]
trained = false
units = 3
n_members = 2
n_pool = 3
pool_epochs = 2
max_epochs = 1

[training]
max_epochs = 2

[verdict]
bootstrap_reps = 100
"""


def tiny_workspace(
    root: Path, *, market: str = "simulated", raw: Path | None = None
) -> Workspace:
    """Open the tiny study under a folder of its own."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / "study.toml"
    path.write_text(STUDY)
    return open_workspace(
        str(root),
        study=str(path),
        market=market,
        raw=str(raw) if raw else "",
        test_year=2024,
    )


def trained_study(root: Path) -> Workspace:
    """Run Phases 1 to 3 of the tiny study."""
    workspace = tiny_workspace(root)
    prepare_raw(workspace)
    analyse_data(workspace)
    train_all(workspace, progress=lambda _: None)
    return workspace
