"""One study on one market under one root: what every phase starts from.

Nothing heavy is imported here: Make asks for the stamp on every call.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from nse_lstm.config import Study, load_study, read_defaults
from nse_lstm.data.cash import read_bill_rates, read_withholding_tax
from nse_lstm.data.trading_days import read_trading_days
from nse_lstm.paths import SOURCED, Paths, find_root


@dataclass(frozen=True)
class Workspace:
    """A study and the places of its artefacts."""

    study: Study
    paths: Paths


def open_workspace(
    root: str = "",
    *,
    study: str = "study.toml",
    market: str = "",
    raw: str = "",
    test_year: int = 0,
    seed: int = 0,
) -> Workspace:
    """Open a study the way notebooks, Papermill and the command line all do.

    Relative paths are taken from the project's root.

    Parameters
    ----------
    root : str
        Folder the artefacts go under; the project itself if empty.
    study : str
        Study file.
    market : str
        A market of the study file; its ``default_market`` if empty.
    raw : str
        Folder of the source files; if empty, the market's ``raw`` in the study file,
        else ``data/raw/<market>`` under ``root``.
    test_year, seed : int
        0 keeps what the study file says.

    Raises
    ------
    ConfigurationError
        If the study file or the market does not hold up.
    DataError
        If a sourced table of the market cannot be read.
    """
    project = find_root()
    loaded = load_study(project / study, market, test_year=test_year, seed=seed)
    raw = raw or read_defaults(project / study).raw.get(loaded.market.name, "")
    paths = Paths(
        root=project / root,
        market=loaded.market.name,
        raw_folder=project / raw if raw else None,
    )
    return _with_sourced(Workspace(study=loaded, paths=paths))


def actions_path(workspace: Workspace) -> Path:
    """Return where the market's sourced corporate actions lie, if there are any."""
    market = workspace.study.market
    return find_root() / market.corporate_actions / f"{market.name}.csv"


def sourced_path(workspace: Workspace, kind: str) -> Path:
    """Return where a market's sourced table of a kind lies, if there is one.

    A table beside the raw files, ``sourced/<kind>.csv``, goes before the project's own.

    Parameters
    ----------
    workspace : Workspace
    kind : str
        Folder of the table, see ``data/README.md``.
    """
    market, beside = workspace.study.market, workspace.paths.raw / SOURCED
    if (own := beside / f"{kind}.csv").is_file():
        return own
    return find_root() / market.sourced / kind / f"{market.name}.csv"


def _with_sourced(workspace: Workspace) -> Workspace:
    """Return the workspace with its market's bill rates, tax and trading days."""
    study = workspace.study
    holidays, cash, tax = (
        sourced_path(workspace, kind)
        for kind in ("holidays", "cash", "withholding_tax")
    )
    market = replace(study.market, trading_days=read_trading_days(holidays))
    backtest = replace(
        study.backtest,
        bill_rates=read_bill_rates(cash),
        withholding_tax=read_withholding_tax(tax),
    )
    return replace(workspace, study=replace(study, market=market, backtest=backtest))
