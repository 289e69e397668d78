"""`nse-lstm <verb>`: the Makefile's verbs, for use outside it.

Nothing heavy is imported before a verb needs it.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nse_lstm import cli_laboratory
from nse_lstm.cli_verbs import Answer, Identity, app, verb
from nse_lstm.errors import StudyError

__all__ = ["app", "cli_laboratory", "main"]


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
    from nse_lstm.study.training import train_all

    summary = train_all(identity.open(), stocks)
    return Answer(summary.drop(columns="version"))


StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="NSE_LSTM_STORE",
        help="SQLAlchemy URL of the forecast store; the market's own file if empty.",
        show_envvar=True,
    ),
]


@verb()
def score(
    identity: Identity,
    as_of: Annotated[
        str, typer.Option(help="Day of scoring, 2024-12-31; the last session's.")
    ] = "",
    store: StoreUrl = "",
) -> Answer:
    """Append the next session's forecasts to the store; exit 1 if there is none."""
    from nse_lstm.study.deployment import score as score_study
    from nse_lstm.study.inputs import parse_day

    found = score_study(
        identity.open(), as_of=parse_day(as_of) if as_of else None, store=store
    )
    columns = ["ticker", "stage", "model", "origin", "target_date", "price_hat"]
    columns += ["y_hat", "lower", "upper", "flags"]
    lines = [
        f"{row.ticker} {row.stage} {row.model}: no forecast: {row.reason}"
        for row in found.refused.itertuples()
    ]
    lines.append(
        f"{found.n_new} of {len(found.forecasts)} rows are new in {found.store}"
    )
    return Answer(
        found.forecasts[columns], lines, code=0 if len(found.forecasts) else 1
    )


@verb()
def promote(
    identity: Identity,
    ticker: str,
    model: str,
    to: Annotated[str, typer.Option(help="candidate, challenger or champion.")],
    override: Annotated[
        str, typer.Option(help="Reason to promote against the gate; it is logged.")
    ] = "",
    why: Annotated[str, typer.Option(help="Reason in words.")] = "",
    version: Annotated[
        str, typer.Option(help="First digits, where several versions stand.")
    ] = "",
    store: StoreUrl = "",
) -> None:
    """Put a model of a stock in a stage; a champion has to pass the gate."""
    from nse_lstm.study.promotion import promote_by_hand

    entry = promote_by_hand(
        identity.open(),
        ticker,
        model,
        to=to,
        why=why,
        override=override,
        version=version,
        store=store,
    )
    typer.echo(
        f"{entry.model} {entry.version[:12]} is {entry.stage} of {entry.ticker} "
        f"({entry.way}): {entry.why}"
    )


@verb()
def rollback(
    identity: Identity,
    ticker: str,
    why: Annotated[str, typer.Option(help="Reason in words.")] = "Rolled back by hand.",
) -> None:
    """Make the champion before the present one champion again."""
    from nse_lstm.study.promotion import roll_back_by_hand

    entry = roll_back_by_hand(identity.open(), ticker, why=why)
    typer.echo(
        f"{entry.model} {entry.version[:12]} is champion of {entry.ticker} again"
    )


@verb()
def history(
    identity: Identity,
    ticker: Annotated[str, typer.Argument(help="All if left out.")] = "",
) -> None:
    """List every promotion: when, who, where, how and why."""
    from nse_lstm.study.promotion import promotion_history

    table = promotion_history(identity.open(), ticker)
    typer.echo(table.to_string(index=False) if len(table) else "No promotion yet")


@verb()
def refit(
    identity: Identity,
    stocks: Annotated[
        str, typer.Option(help="Tickers with commas; those in the registry if empty.")
    ] = "",
) -> None:
    """Fit v2 through the last session, as challenger: it forecasts in the shadow."""
    from nse_lstm.study.refit import refit as refit_study

    for entry in refit_study(identity.open(), stocks.split(",") if stocks else ()):
        typer.echo(f"{entry.ticker} v2 {entry.version[:12]} is challenger: {entry.why}")


@verb()
def store_backup(identity: Identity, path: Path, store: StoreUrl = "") -> None:
    """Write every stored forecast to a parquet file."""
    from nse_lstm.study.stores import backup

    typer.echo(f"{backup(identity.open(), path, store=store)} rows in {path}")


@verb()
def store_restore(identity: Identity, path: Path, store: StoreUrl = "") -> None:
    """Append to the store what it lacks of a backup."""
    from nse_lstm.study.stores import restore

    typer.echo(f"{restore(identity.open(), path, store=store)} rows were not there")


@verb()
def serve(
    identity: Identity,
    host: Annotated[str, typer.Option(help="Whom to listen to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where.", min=1, max=65535)] = 8000,
) -> None:
    """Answer for forecasts over HTTP; changes need the token of NSE_LSTM_TOKEN."""
    from nse_lstm.study.service import serve as serve_study

    serve_study(identity.open(), host=host, port=port)


@verb()
def monitor(
    identity: Identity,
    as_of: Annotated[
        str, typer.Option(help="Day of watching, 2024-12-31; the last session's.")
    ] = "",
    store: StoreUrl = "",
) -> None:
    """Watch the stored forecasts and their inputs; exit 1 if an alarm rings."""
    from nse_lstm.study.inputs import parse_day
    from nse_lstm.study.monitoring import monitor as monitor_study

    found = monitor_study(
        identity.open(), as_of=parse_day(as_of) if as_of else None, store=store
    )
    for row in found.now.itertuples():
        typer.echo(f"{row.alarm}: {row.ticker} {row.model}: {row.says}")
    for test in found.tests.itertuples():
        typer.echo(
            f"{test.test}: evidence {test.evidence:.3g} after {test.sessions} "
            "sessions; 20 promote it"
        )
    typer.echo(
        f"{len(found.now)} alarms now, {len(found.alerts)} since watching began; "
        f"{found.n_realised} stored forecasts have come due"
    )
    raise typer.Exit(code=1 if len(found.now) else 0)


@verb()
def replay(
    identity: Identity,
    year: Annotated[
        int, typer.Option(help="A year that Phase 4 forecast; 0: the test year.")
    ] = 0,
) -> None:
    """Go through a year evening by evening: score, realise, test, alarm, promote."""
    from nse_lstm.study.replay import replay as replay_study

    found = replay_study(identity.open(), year=year, tell=typer.echo)
    typer.echo(
        f"{found.n_sessions} sessions of {found.year}: {len(found.forecasts)} "
        f"forecasts stored and read back, {len(found.alerts)} alarms, "
        f"{len(found.promotions)} changes of who serves"
    )


@verb()
def review(
    identity: Identity,
    accept: Annotated[
        str, typer.Option(help="Put the jumps on the accepted list, with this note.")
    ] = "",
) -> Answer:
    """List the price jumps nobody has let pass; exit 1 if there are too many."""
    from nse_lstm.study.review import accept_jumps, accepted_path, new_jumps

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
    from nse_lstm.study.changes import changes_table, read_changes

    found = read_changes(identity.open())
    return Answer(changes_table(found), code=1 if found and found.rewritten else 0)


@verb()
def results(identity: Identity) -> None:
    """Write docs/results/<market>-<test year>.md: statistics only, to be committed."""
    from nse_lstm.study.results import write_results

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
    from nse_lstm.study.calibration import run_calibration

    found = run_calibration(
        identity.open(), n_null=null, n_power=power, progress=typer.echo
    )
    n_false = len(found.false_yes)
    typer.echo(f"{n_false} of {null} null markets got a yes; {found.limit} may")
    raise typer.Exit(code=1 if n_false > found.limit else 0)


@verb()
def ablation(identity: Identity) -> Answer:
    """Measure what each change of v2 does, alone and removed; resumes what is there."""
    from nse_lstm.study.ablation import ablate

    return Answer(ablate(identity.open()).round(4))


@verb()
def search(
    identity: Identity,
    forecaster: Annotated[
        str, typer.Option(help="Which, of study/search_spaces.py; commas between.")
    ] = "ridge,boosting,v3",
) -> Answer:
    """Search settings before every walk-forward year; prints the best, changes none."""
    import pandas as pd

    from nse_lstm.study.search import search as search_study
    from nse_lstm.study.search import settings_lines

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
    from nse_lstm.study.fetching import fetch as fetch_study

    typer.echo(fetch_study(folder, years=years, tell=typer.echo))


@verb(study=False)
def verify(first: Path, second: Path) -> Answer:
    """Compare every artefact of two builds; exit 1 if any differs."""
    from nse_lstm.study.verification import compare_builds

    table = compare_builds(first, second)
    n_different = int((table["result"] != "equal").sum())
    line = f"{len(table)} artefacts, {n_different} different"
    return Answer(table, [line], code=1 if n_different else 0)


@verb(hidden=True)
def stamp(identity: Identity, path: Path) -> None:
    """Write the study's identity, for Make, if it changed."""
    from nse_lstm.study.workspace import write_stamp

    write_stamp(identity.open(), path)


@verb(hidden=True)
def prepare_raw(identity: Identity, path: Path) -> None:
    """Make the simulated market's files, or see that a real market's are there."""
    from nse_lstm.paths import write_text
    from nse_lstm.study.data_analysis import prepare_raw as prepare

    n_files = prepare(identity.open())
    write_text(path, f"{n_files} source files\n")


@verb(hidden=True)
def execute(
    identity: Identity,
    source: Path,
    target: Path,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", help="name=value, further parameters.")
    ] = None,
) -> None:
    """Execute a notebook; a failure leaves it under running/ to be opened."""
    from nse_lstm.study.execution import execute_notebook, parse_parameters

    execute_notebook(
        source,
        target,
        workspace=identity.open(),
        parameters=asdict(identity) | parse_parameters(parameter or []),
    )


@app.command(hidden=True)
def render(
    source: Path,
    target: Path,
    verdict: Annotated[Path, typer.Option(help="The study's verdict.json.")],
) -> None:
    """Render an executed notebook as a page, the verdict first."""
    from nse_lstm.reporting.pages import render_notebook
    from nse_lstm.study.workspace import read_json

    render_notebook(source, target, verdict=read_json(verdict))


@verb(hidden=True)
def stock_pages(identity: Identity, source: Path, path: Path) -> None:
    """Write the page of every recommended stock, and the list of them for Make."""
    from nse_lstm.paths import write_text
    from nse_lstm.study.stock_pages import make_stock_pages

    names = make_stock_pages(identity.open(), source, parameters=asdict(identity))
    write_text(path, "".join(f"{name}\n" for name in names))


@verb(hidden=True)
def status(identity: Identity, path: Path) -> None:
    """Write the status page, and the same in Markdown beside it."""
    from nse_lstm.study.status import write_status

    write_status(identity.open(), path)


@verb(hidden=True)
def index(identity: Identity, path: Path) -> None:
    """Write the index page: the verdict first."""
    from nse_lstm.study.phase_costs import cost_lines
    from nse_lstm.study.reports import write_index

    workspace = identity.open()
    write_index(workspace, path)
    typer.echo(cost_lines(workspace))


@app.command(hidden=True)
def copy_ledger(first: Path, second: Path, market: str = "simulated") -> None:
    """Give a second build the first one's history of looks and trials."""
    from nse_lstm.study.verification import copy_ledger as copy

    copy(first, second, market)


def main() -> None:
    """Run the command line; errors meant for the user come without a traceback."""
    try:
        app()
    except StudyError as error:
        print(f"nse-lstm: {error}", file=sys.stderr)
        sys.exit(1)
