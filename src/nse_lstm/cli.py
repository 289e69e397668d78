"""`nse-lstm <verb>`: the Makefile's verbs, for use outside it.

Nothing heavy is imported before a verb needs it.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nse_lstm.errors import StudyError

if TYPE_CHECKING:
    from nse_lstm.study.workspace import Workspace

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@dataclass(frozen=True)
class Identity:
    """Which study: options of every verb that works on one."""

    root: Annotated[
        str, typer.Option(help="Folder of the artefacts; the project if empty.")
    ] = ""
    study: Annotated[str, typer.Option(help="Study file.")] = "study.toml"
    market: Annotated[str, typer.Option(help="A market of the study file.")] = (
        "simulated"
    )
    raw: Annotated[str, typer.Option(help="Folder of the market's source files.")] = ""
    test_year: Annotated[
        int, typer.Option(help="0: the last calendar year in the data.")
    ] = 0
    seed: Annotated[int, typer.Option(help="0: the study file's.")] = 0

    def open(self) -> "Workspace":
        """Open the study."""
        from nse_lstm.study.workspace import open_workspace

        return open_workspace(**asdict(self))


def verb(*, hidden: bool = False) -> Callable[[Callable[..., None]], None]:
    """Make a function of an ``Identity`` a verb that has its options beside its own."""
    shared = inspect.signature(Identity).parameters.values()
    names = [field.name for field in fields(Identity)]

    def register(function: Callable[..., None]) -> None:
        own = list(inspect.signature(function).parameters.values())[1:]

        @wraps(function)
        def call(**given: Any) -> None:
            identity = Identity(**{name: given.pop(name) for name in names})
            function(identity, **given)

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [each.replace(kind=keyword) for each in (*own, *shared)]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(hidden=hidden)(call)

    return register


@verb()
def train(
    identity: Identity,
    stocks: Annotated[
        str,
        typer.Option(
            help="A number, `all`, or tickers with commas; the recommended if empty."
        ),
    ] = "",
) -> None:
    """Train every model of the study; resumes what is there."""
    from nse_lstm.study.training import train_all

    summary = train_all(identity.open(), stocks)
    typer.echo(summary.drop(columns="version").to_string(index=False))


@verb()
def score(identity: Identity) -> None:
    """Forecast the session after the last one with every promoted model."""
    from nse_lstm.study.deployment import score as score_study

    forecasts, refused = score_study(identity.open())
    columns = ["ticker", "model", "origin", "target_date", "price_hat", "y_hat"]
    typer.echo(forecasts[columns].to_string(index=False))
    for row in refused.itertuples():
        typer.echo(f"{row.ticker} {row.model}: no forecast: {row.reason}")


@verb()
def review(
    identity: Identity,
    accept: Annotated[
        str, typer.Option(help="Put the jumps on the accepted list, with this note.")
    ] = "",
) -> None:
    """List the price jumps nobody has let pass; exit 1 if there are too many."""
    from nse_lstm.study.review import accept_jumps, accepted_path, new_jumps

    workspace = identity.open()
    if accept:
        n_accepted = accept_jumps(workspace, note=accept)
        typer.echo(f"{n_accepted} jumps added to {accepted_path(workspace)}")
    jumps = new_jumps(workspace)
    if len(jumps):
        typer.echo(jumps.to_string(index=False))
    limit = workspace.study.review.max_new_jumps
    typer.echo(f"{len(jumps)} unexplained jumps are on no list; {limit} are allowed")
    raise typer.Exit(code=1 if len(jumps) > limit else 0)


@verb()
def changes(identity: Identity) -> None:
    """Say what the last build changed; exit 1 if it rewrote old values."""
    from nse_lstm.study.changes import changes_table, read_changes

    found = read_changes(identity.open())
    typer.echo(changes_table(found).to_string(index=False))
    raise typer.Exit(code=1 if found and found.rewritten else 0)


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
def ablation(identity: Identity) -> None:
    """Measure what each change of v2 does, alone and removed; resumes what is there."""
    from nse_lstm.study.ablation import ablate

    table = ablate(identity.open())
    typer.echo(table.round(4).to_string(index=False))


@verb()
def search(
    identity: Identity,
    forecaster: Annotated[
        str, typer.Option(help="Which, of study/search_spaces.py; commas between.")
    ] = "ridge,boosting,v3",
) -> None:
    """Search settings before every walk-forward year; prints the best, changes none."""
    from nse_lstm.study.search import search as search_study
    from nse_lstm.study.search import settings_lines

    workspace = identity.open()
    for name in forecaster.split(","):
        found = search_study(workspace, name.strip(), progress=typer.echo)
        typer.echo(
            f"{found.forecaster}: rank IC {found.value:+.4f}, the study's own settings "
            f"{found.own_value:+.4f}; {found.n_trials} tried, {found.n_given_up} given "
            f"up; {found.n_looks} settings in the ledger\n{settings_lines(found)}"
        )


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


@app.command()
def verify(first: Path, second: Path) -> None:
    """Compare every artefact of two builds; exit 1 if any differs."""
    from nse_lstm.study.verification import compare_builds

    table = compare_builds(first, second)
    typer.echo(table.to_string(index=False))
    n_different = int((table["result"] != "equal").sum())
    typer.echo(f"{len(table)} artefacts, {n_different} different")
    raise typer.Exit(code=1 if n_different else 0)


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
    from nse_lstm.study.reports import write_index

    write_index(identity.open(), path)


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
