"""The study and what stands beside it: training, review, audit, searches, results."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nse_lstm.cli.verbs import Answer, Identity, app, verb


@verb()
def train(
    identity: Identity,
    stocks: Annotated[
        str,
        typer.Option(
            help="A number, `all`, or tickers with commas; the recommended if empty."
        ),
    ] = "",
) -> Answer:
    """Train every model of the study; resumes what is there."""
    from nse_lstm.study.training.train import train_all

    summary = train_all(identity.open(), stocks)
    return Answer(summary.drop(columns="version"))


@verb()
def review(
    identity: Identity,
    accept: Annotated[
        str, typer.Option(help="Put the jumps on the accepted list, with this note.")
    ] = "",
) -> Answer:
    """List the price jumps nobody has let pass; exit 1 if there are too many."""
    from nse_lstm.study.data_analysis.jump_review import (
        accept_jumps,
        accepted_path,
        new_jumps,
    )

    workspace, lines = identity.open(), []
    if accept:
        n_accepted = accept_jumps(workspace, note=accept)
        lines.append(f"{n_accepted} jumps added to {accepted_path(workspace)}")
    jumps = new_jumps(workspace)
    limit = workspace.study.review.max_new_jumps
    lines.append(f"{len(jumps)} unexplained jumps are on no list; {limit} are allowed")
    return Answer(jumps, lines, code=1 if len(jumps) > limit else 0)


@verb()
def changes(identity: Identity) -> Answer:
    """Say what the last build changed; exit 1 if it rewrote old values."""
    from nse_lstm.study.data_analysis.panel_diff import changes_table, read_changes

    found = read_changes(identity.open())
    return Answer(changes_table(found), code=1 if found and found.rewritten else 0)


@verb()
def results(identity: Identity) -> None:
    """Write docs/results/<market>-<test year>.md: statistics only, to be committed."""
    from nse_lstm.pages.results import write_results

    typer.echo(write_results(identity.open()))


@verb()
def audit(
    identity: Identity,
    full: Annotated[
        bool, typer.Option(help="Rewrite this market's own files too: minutes.")
    ] = False,
    defects: Annotated[
        bool, typer.Option(help="Measure which defects the audit catches instead.")
    ] = False,
    clean: Annotated[
        int, typer.Option(help="Clean markets to count false alarms on.")
    ] = 100,
) -> None:
    """Look for leaks in this very study; exit 1 if there is an alarm."""
    from nse_lstm.study.audit.run import run_audit, run_power

    if defects:
        power = run_power(identity.open(), n_clean=clean, progress=typer.echo)
        missed = [row["name"] for row in power["defects"] if not row["caught_by"]]
        false = [row["seed"] for row in power["clean_runs"] if row["alarms"]]
        typer.echo(f"not caught: {missed or 'none'}; false alarms: {false or 'none'}")
        raise typer.Exit(code=1 if missed or false else 0)
    alarms = run_audit(identity.open(), full=full, progress=typer.echo)
    for alarm in alarms:
        typer.echo(f"{alarm.check}: {alarm.where}: {alarm.detail}")
    typer.echo(f"{len(alarms)} alarms" if alarms else "The leak audit is clean")
    raise typer.Exit(code=1 if alarms else 0)


@verb()
def calibrate(
    identity: Identity,
    null: Annotated[
        int, typer.Option(help="Markets in which nothing can be forecast.", min=1)
    ] = 300,
    power: Annotated[
        int, typer.Option(help="Markets with each planted signal.", min=0)
    ] = 40,
) -> None:
    """Judge invented markets; exit 1 if the verdict says yes to luck too often."""
    from nse_lstm.study.experiments.calibration.calibrate import run_calibration

    found = run_calibration(
        identity.open(), n_null=null, n_power=power, progress=typer.echo
    )
    n_false = len(found.false_yes)
    typer.echo(f"{n_false} of {null} null markets got a yes; {found.limit} may")
    raise typer.Exit(code=1 if n_false > found.limit else 0)


@verb()
def ablation(identity: Identity) -> Answer:
    """Measure what each change of v2 does, alone and removed; resumes what is there."""
    from nse_lstm.study.experiments.ablation import ablate

    return Answer(ablate(identity.open()).round(4))


@verb()
def search(
    identity: Identity,
    forecaster: Annotated[
        str, typer.Option(help="Which, of study/search_spaces.py; commas between.")
    ] = "ridge,boosting,rank_lstm",
) -> Answer:
    """Search settings before every walk-forward year; prints the best, changes none."""
    import pandas as pd

    from nse_lstm.study.experiments.search import search as search_study
    from nse_lstm.study.experiments.search import settings_lines

    workspace = identity.open()
    found = [
        search_study(workspace, name.strip(), progress=print)
        for name in forecaster.split(",")
    ]
    table = pd.DataFrame([asdict(each) for each in found]).drop(columns="settings")
    return Answer(table, [settings_lines(each) for each in found])


@app.command()
def fetch(
    folder: Annotated[
        str, typer.Option(help="Where to; data/raw/<market> of the project if empty.")
    ] = "",
    years: Annotated[
        str, typer.Option(help="As 2013-2023; every data set if empty.")
    ] = "",
) -> None:
    """Download the public data sets of data/catalogue.toml, checked and cited."""
    from nse_lstm.study.data_analysis.download import fetch as fetch_study

    typer.echo(fetch_study(folder, years=years, tell=typer.echo))


@verb(study=False)
def verify(first: Path, second: Path) -> Answer:
    """Compare every artefact of two builds; exit 1 if any differs."""
    from nse_lstm.study.tools.reproducibility import compare_builds

    table = compare_builds(first, second)
    n_different = int((table["result"] != "equal").sum())
    line = f"{len(table)} artefacts, {n_different} different"
    return Answer(table, [line], code=1 if n_different else 0)
