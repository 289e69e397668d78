"""`nse-lstm <verb>`: the Makefile's verbs, for use outside it.

Nothing heavy is imported before a verb needs it.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nse_lstm.errors import StudyError

if TYPE_CHECKING:
    from nse_lstm.study.workspace import Workspace

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

Root = Annotated[
    str, typer.Option(help="Folder of the artefacts; the project if empty.")
]
StudyFile = Annotated[str, typer.Option(help="Study file.")]
MarketName = Annotated[str, typer.Option(help="A market of the study file.")]
Raw = Annotated[str, typer.Option(help="Folder of the market's source files.")]
TestYear = Annotated[int, typer.Option(help="0: the last calendar year in the data.")]
Seed = Annotated[int, typer.Option(help="0: the study file's.")]


@app.command()
def train(
    stocks: Annotated[
        str,
        typer.Option(
            help="A number, `all`, or tickers with commas; the recommended if empty."
        ),
    ] = "",
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
    seed: Seed = 0,
) -> None:
    """Train every model of the study; resumes what is there."""
    from nse_lstm.study.training import train_all

    workspace = _open(root, study, market, raw, test_year, seed)
    summary = train_all(workspace, stocks)
    typer.echo(summary.drop(columns="version").to_string(index=False))


@app.command()
def score(
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
    seed: Seed = 0,
) -> None:
    """Forecast the session after the last one with every promoted model."""
    from nse_lstm.study.deployment import score as score_study

    workspace = _open(root, study, market, raw, test_year, seed)
    forecasts, refused = score_study(workspace)
    columns = ["ticker", "model", "origin", "target_date", "price_hat", "y_hat"]
    typer.echo(forecasts[columns].to_string(index=False))
    for row in refused.itertuples():
        typer.echo(f"{row.ticker} {row.model}: no forecast: {row.reason}")


@app.command()
def verify(first: Path, second: Path) -> None:
    """Compare every artefact of two builds; exit 1 if any differs."""
    from nse_lstm.study.verification import compare_builds

    table = compare_builds(first, second)
    typer.echo(table.to_string(index=False))
    n_different = int((table["result"] != "equal").sum())
    typer.echo(f"{len(table)} artefacts, {n_different} different")
    raise typer.Exit(code=1 if n_different else 0)


@app.command(hidden=True)
def stamp(
    path: Path,
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
    seed: Seed = 0,
) -> None:
    """Write the study's identity, for Make, if it changed."""
    from nse_lstm.study.workspace import write_stamp

    write_stamp(_open(root, study, market, raw, test_year, seed), path)


@app.command(hidden=True)
def prepare_raw(
    path: Path,
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
    seed: Seed = 0,
) -> None:
    """Make the simulated market's files, or see that a real market's are there."""
    from nse_lstm.paths import write_text
    from nse_lstm.study.data_analysis import prepare_raw as prepare

    n_files = prepare(_open(root, study, market, raw, test_year, seed))
    write_text(path, f"{n_files} source files\n")


@app.command(hidden=True)
def execute(
    source: Path,
    target: Path,
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", help="name=value, further parameters.")
    ] = None,
) -> None:
    """Execute a notebook; a failure leaves it under running/ to be opened."""
    from nse_lstm.study.execution import execute_notebook, parse_parameters

    workspace = _open(root, study, market, raw, test_year, 0)
    identity = _identity(root, study, market, raw, test_year)
    execute_notebook(
        source,
        target,
        workspace=workspace,
        parameters=identity | parse_parameters(parameter or []),
    )


@app.command(hidden=True)
def render(source: Path, target: Path) -> None:
    """Render an executed notebook as a page."""
    from nse_lstm.reporting.pages import render_notebook

    render_notebook(source, target)


@app.command(hidden=True)
def stock_pages(
    source: Path,
    path: Path,
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
) -> None:
    """Write the page of every recommended stock, and the list of them for Make."""
    from nse_lstm.paths import write_text
    from nse_lstm.study.stock_pages import make_stock_pages

    names = make_stock_pages(
        _open(root, study, market, raw, test_year, 0),
        source,
        parameters=_identity(root, study, market, raw, test_year),
    )
    write_text(path, "".join(f"{name}\n" for name in names))


@app.command()
def review(
    accept: Annotated[
        str, typer.Option(help="Put the jumps on the accepted list, with this note.")
    ] = "",
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
) -> None:
    """List the price jumps nobody has let pass; exit 1 if there are too many."""
    from nse_lstm.study.review import accept_jumps, accepted_path, new_jumps

    workspace = _open(root, study, market, raw, test_year, 0)
    if accept:
        n_accepted = accept_jumps(workspace, note=accept)
        typer.echo(f"{n_accepted} jumps added to {accepted_path(workspace)}")
    jumps = new_jumps(workspace)
    if len(jumps):
        typer.echo(jumps.to_string(index=False))
    limit = workspace.study.review.max_new_jumps
    typer.echo(f"{len(jumps)} unexplained jumps are on no list; {limit} are allowed")
    raise typer.Exit(code=1 if len(jumps) > limit else 0)


@app.command()
def changes(
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
) -> None:
    """Say what the last build changed; exit 1 if it rewrote old values."""
    from nse_lstm.study.changes import changes_table, read_changes

    found = read_changes(_open(root, study, market, raw, test_year, 0))
    typer.echo(changes_table(found).to_string(index=False))
    raise typer.Exit(code=1 if found and found.rewritten else 0)


@app.command()
def results(
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
) -> None:
    """Write docs/results/<market>-<test year>.md: statistics only, to be committed."""
    from nse_lstm.study.results import write_results

    typer.echo(write_results(_open(root, study, market, raw, test_year, 0)))


@app.command(hidden=True)
def status(
    path: Path,
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
) -> None:
    """Write the status page, and the same in Markdown beside it."""
    from nse_lstm.study.status import write_status

    write_status(_open(root, study, market, raw, test_year, 0), path)


@app.command(hidden=True)
def index(
    path: Path,
    root: Root = "",
    study: StudyFile = "study.toml",
    market: MarketName = "simulated",
    raw: Raw = "",
    test_year: TestYear = 0,
) -> None:
    """Write the index page: the verdict first."""
    from nse_lstm.study.reports import write_index

    write_index(_open(root, study, market, raw, test_year, 0), path)


@app.command(hidden=True)
def copy_ledger(first: Path, second: Path, market: MarketName = "simulated") -> None:
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


def _identity(
    root: str, study: str, market: str, raw: str, test_year: int
) -> dict[str, str | int]:
    """Return what tells every notebook which study it is."""
    return {
        "root": root,
        "study": study,
        "market": market,
        "raw": raw,
        "test_year": test_year,
    }


def _open(
    root: str, study: str, market: str, raw: str, test_year: int, seed: int
) -> "Workspace":
    from nse_lstm.study.workspace import open_workspace

    return open_workspace(
        root, study=study, market=market, raw=raw, test_year=test_year, seed=seed
    )
