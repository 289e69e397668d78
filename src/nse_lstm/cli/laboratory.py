"""Verbs for whoever works with the study: is all there, what moved, what was run."""

from pathlib import Path
from typing import Annotated

import typer

from nse_lstm.cli.verbs import Answer, Identity, verb


@verb()
def doctor(identity: Identity) -> Answer:
    """Check environment, data and artefacts, say what to do; exit 1 on a failure."""
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
    """Say which numbers moved between two builds, and if by noise; exit 1 if any."""
    from nse_lstm.study.tools.build_diff import BEYOND, build_differences

    table = build_differences(first, second, market=market)
    n_beyond = int((table["result"] == BEYOND).sum())
    line = f"{len(table)} numbers moved, {n_beyond} by more than noise"
    return Answer(table, [line], code=1 if len(table) else 0, max_rows=40)


@verb()
def export_runs(identity: Identity) -> Answer:
    """Write every trained model into an MLflow store under build/ (extra `track`)."""
    from nse_lstm.study.tools.mlflow_export import export_runs as export
    from nse_lstm.study.tools.mlflow_export import store_address

    workspace = identity.open()
    table = export(workspace)
    line = f"look at them: mlflow ui --backend-store-uri {store_address(workspace)}"
    return Answer(table, [line])
