"""Phase 5: promote what Phase 4 selected and forecast the session after the last."""

import hashlib
from dataclasses import dataclass

import pandas as pd

from nse_lstm.deployment.registry import promote, read_registry, retire
from nse_lstm.deployment.serving import score_latest
from nse_lstm.errors import ArtefactError
from nse_lstm.models.bundles import load_bundle
from nse_lstm.paths import write_aside
from nse_lstm.study.inputs import read_facts, study_folds
from nse_lstm.study.jobs import bundle_folder
from nse_lstm.study.seal import open_test_year
from nse_lstm.study.validation import forecast_fold
from nse_lstm.study.workspace import Workspace, read_json
from nse_lstm.tables import FORECASTS, read_table, write_table

__all__ = ["Deployment", "deploy", "promote_selected", "reproduce", "score"]


@dataclass(frozen=True)
class Deployment:
    """What Phase 5 shows; all of it lies on disk as well."""

    registry: pd.DataFrame
    """One row a stock and stage: model, version, why."""
    reproduced: pd.DataFrame
    """One row a stock: test-year forecasts of the reloaded model equal to Phase 4's."""
    forecasts: pd.DataFrame
    """FORECASTS of the session after the last one."""
    refused: pd.DataFrame
    """What was not forecast, and why."""


def deploy(workspace: Workspace) -> Deployment:
    """Promote, reload, reproduce Phase 4's forecasts, and score the next session.

    Raises
    ------
    ArtefactError
        If a reloaded model does not reproduce what Phase 4 scored, bit for bit.
    """
    registry = promote_selected(workspace)
    reproduced = reproduce(workspace)
    wrong = reproduced[reproduced["n_equal"] < reproduced["n_forecasts"]]
    if len(wrong):
        raise ArtefactError(
            "Expected the reloaded models to reproduce every forecast of Phase 4. "
            f"Received other numbers for: {', '.join(wrong['ticker'])}"
        )
    forecasts, refused = score(workspace)
    return Deployment(registry, reproduced, forecasts, refused)


def promote_selected(workspace: Workspace) -> pd.DataFrame:
    """Promote each stock's selected champion, and v2 as challenger where it lost.

    What an earlier selection had put there and this one did not is retired.
    """
    path = workspace.paths.evaluation / "selection.json"
    evidence = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = set()
    for row in read_json(path):
        for stage in ("champion", "challenger"):
            if row[stage]:
                _promote(workspace, row, stage, row[stage], evidence)
                wanted.add((row["ticker"], stage))
    for ticker, stages in read_registry(workspace.paths.registry).items():
        for stage in stages.keys() - {s for t, s in wanted if t == ticker}:
            retire(
                workspace.paths.registry,
                ticker=ticker,
                stage=stage,
                evidence=evidence,
                why="Not chosen by the selection that follows.",
            )
    return _registry_table(workspace)


def _registry_table(workspace: Workspace) -> pd.DataFrame:
    entries = read_registry(workspace.paths.registry)
    return pd.DataFrame(
        [
            {
                "ticker": ticker,
                "stage": stage,
                "model": entry.model,
                "version": entry.version,
                "why": entry.why,
            }
            for ticker, stages in sorted(entries.items())
            for stage, entry in sorted(stages.items())
        ]
    )


def reproduce(workspace: Workspace) -> pd.DataFrame:
    """Forecast the test year again from the stored models and compare bit by bit.

    Returns
    -------
    DataFrame
        ``ticker``, ``n_forecasts`` of v2, ``n_equal`` of them equal to Phase 4's.
    """
    panel, _ = open_test_year(workspace)
    key = ["ticker", "model", "origin"]
    fold = study_folds(workspace)[-1]
    again = forecast_fold(workspace, panel, fold).set_index(key)["price_hat"]
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    before = table[table["fold"] == fold.year].set_index(key)["price_hat"]
    both = pd.concat([before.rename("before"), again.rename("again")], axis=1)
    stored = both[both.index.get_level_values("model") == "v2"]
    same = stored["before"] == stored["again"]
    grouped = same.groupby(level="ticker")
    return pd.DataFrame(
        {"n_forecasts": grouped.size(), "n_equal": grouped.sum()}
    ).reset_index()


def score(workspace: Workspace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the session after the last one; writes ``latest_forecasts.parquet``.

    Returns
    -------
    forecasts : DataFrame
        FORECASTS, one row a stock and promoted model.
    refused : DataFrame
        ``ticker``, ``model`` and ``reason`` of what was not forecast.
    """
    panel, _ = open_test_year(workspace)
    forecasts, refused = score_latest(
        panel, study=workspace.study, paths=workspace.paths
    )
    folder = workspace.paths.registry
    write_table(forecasts, FORECASTS, folder / "latest_forecasts.parquet")
    with write_aside(folder / "latest_refused.csv") as aside:
        refused.to_csv(aside, index=False, lineterminator="\n")
    return forecasts, refused


def _promote(
    workspace: Workspace,
    row: dict[str, str],
    stage: str,
    model: str,
    evidence: str,
) -> None:
    folder = bundle_folder(workspace, row["ticker"], read_facts(workspace).test_year)
    stored = model == "v2"
    promote(
        workspace.paths.registry,
        ticker=row["ticker"],
        stage=stage,
        model=model,
        version=load_bundle(folder).metadata["version"] if stored else model,
        bundle=folder.relative_to(workspace.paths.models).as_posix() if stored else "",
        evidence=evidence,
        why=row["reason"],
    )
