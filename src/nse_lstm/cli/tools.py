"""Verbs of the tools: check the environment, compare builds, export runs."""

from pathlib import Path
from typing import Annotated

import typer

from nse_lstm.cli.verbs import Answer, Identity, verb


@verb()
def doctor(identity: Identity) -> Answer:
    """Check environment, data and artefacts and advise; exit 1 on a failure."""
    from nse_lstm.study.tools.doctor import FAILED, examine

    table = examine(identity.open(), study_file=identity.study)
    n_failed = int((table["result"] == FAILED).sum())
    line = f"{len(table)} checks, {n_failed} failed"
    return Answer(table, [line], code=1 if n_failed else 0)


@verb(study=False)
def diff(
    first: Annotated[Path, typer.Argument(help="Root of a finished build.")],
    second: Annotated[Path, typer.Argument(help="Root of another.")],
    market: Annotated[str, typer.Option(help="The market of both.")] = "simulated",
) -> Answer:
    """Compare the numbers of two builds, with their noise; exit 1 if any changed."""
    from nse_lstm.study.tools.build_diff import BEYOND, build_differences

    table = build_differences(first, second, market=market)
    n_beyond = int((table["result"] == BEYOND).sum())
    line = f"{len(table)} numbers changed, {n_beyond} by more than noise"
    return Answer(table, [line], code=1 if len(table) else 0, max_rows=40)


@verb(study=False)
def verify(first: Path, second: Path) -> Answer:
    """Compare every artefact of two builds; exit 1 if any differs."""
    from nse_lstm.study.tools.reproducibility import compare_builds

    table = compare_builds(first, second)
    n_different = int((table["result"] != "equal").sum())
    line = f"{len(table)} artefacts, {n_different} different"
    return Answer(table, [line], code=1 if n_different else 0)


@verb()
def export_runs(identity: Identity) -> Answer:
    """Export every trained model to an MLflow store under build/ (extra `track`)."""
    from nse_lstm.study.tools.mlflow_export import export_runs as export
    from nse_lstm.study.tools.mlflow_export import store_address

    workspace = identity.open()
    table = export(workspace)
    line = f"open them: mlflow ui --backend-store-uri {store_address(workspace)}"
    return Answer(table, [line])
