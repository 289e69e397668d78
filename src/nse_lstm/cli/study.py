"""Verbs of the study: training, review, audit, searches, results."""

from dataclasses import asdict
from typing import Annotated

import typer

from nse_lstm.cli.verbs import Answer, Identity, app, verb


@verb()
def train(
    identity: Identity,
    stocks: Annotated[
        str,
        typer.Option(
            help="A number, `all`, or tickers with commas. Default: the recommended."
        ),
    ] = "",
) -> Answer:
    """Train every model of the study that is not trained yet."""
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
    """List price jumps that are not accepted yet; exit 1 if there are too many."""
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
    """List the data that the last build changed; exit 1 if it rewrote old values."""
    from nse_lstm.study.data_analysis.panel_diff import changes_table, read_changes

    found = read_changes(identity.open())
    return Answer(changes_table(found), code=1 if found and found.rewritten else 0)


@verb()
def results(identity: Identity) -> None:
    """Write the statistics to docs/results/<market>-<test year>.md, to be committed."""
    from nse_lstm.pages.results import write_results

    typer.echo(write_results(identity.open()))


@verb()
def audit(
    identity: Identity,
    full: Annotated[
        bool, typer.Option(help="Audit rewritten source files too: takes minutes.")
    ] = False,
) -> None:
    """Audit this study for leaks; exit 1 if there is an alarm."""
    from nse_lstm.study.audit.run import run_audit

    workspace = identity.open()
    alarms = run_audit(
        workspace,
        full=full,
        workers=workspace.study.training.workers,
        progress=typer.echo,
    )
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
    claims: Annotated[
        bool, typer.Option("--claims", help="The declared claims, not the verdict.")
    ] = False,
) -> None:
    """Measure the verdict's false-positive rate; exit 1 if it is too high."""
    from nse_lstm.pages.calibration import write_calibration
    from nse_lstm.study.experiments.calibration import calibrate as calibration

    workspace = identity.open()
    if claims:
        counts = calibration.calibrate_claims(
            workspace, n_null=null, n_power=power, progress=typer.echo
        )
        write_calibration(workspace.paths.root, workspace.study)
        of_any = counts[(counts["signal"] == 0) & (counts["claim"] == "any")]
        n_yes, n = int(of_any["yes"].iloc[0]), int(of_any["n"].iloc[0])
        most = calibration.claims_limit(n)
        typer.echo(f"{n_yes} of {n} null markets got any yes; {most} may")
        raise typer.Exit(code=1 if n_yes > most else 0)
    found = calibration.run_calibration(
        workspace, n_null=null, n_power=power, progress=typer.echo
    )
    write_calibration(workspace.paths.root, workspace.study)
    n_false = len(found.false_yes)
    typer.echo(f"{n_false} of {null} null markets got a yes; {found.limit} may")
    raise typer.Exit(code=1 if n_false > found.limit else 0)


@verb()
def ablation(identity: Identity) -> Answer:
    """Measure each change of v2, alone and removed; resumes an earlier run."""
    from nse_lstm.study.experiments.ablation import ablate

    return Answer(ablate(identity.open()).round(4))


@verb()
def search(
    identity: Identity,
    forecaster: Annotated[
        str, typer.Option(help="Names from search_spaces.py, with commas.")
    ] = "ridge,boosting,rank_lstm",
) -> Answer:
    """Search settings on years before the walk-forward years; prints the best."""
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
        str, typer.Option(help="Target folder. Default: the project's data/raw/nse.")
    ] = "",
    years: Annotated[
        str, typer.Option(help="As 2013-2025. Default: the catalogue's own, 2007-2023.")
    ] = "",
) -> None:
    """Download the public data sets of data/catalogue.toml, checked and cited."""
    from nse_lstm.study.data_analysis.download import fetch as fetch_study

    typer.echo(fetch_study(folder, years=years, tell=typer.echo))
