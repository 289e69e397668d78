"""Hidden verbs that only the Makefile calls."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nse_lstm.cli.verbs import Identity, app, verb


@verb(hidden=True)
def stamp(identity: Identity, path: Path) -> None:
    """Write the study's identity for Make, if it changed."""
    from nse_lstm.study.tools.stamp import write_stamp

    write_stamp(identity.open(), path)


@verb(hidden=True)
def prepare_raw(identity: Identity, path: Path) -> None:
    """Simulate the market's files, or check that a real market's exist."""
    from nse_lstm.paths import write_text
    from nse_lstm.study.data_analysis.raw_files import prepare_raw as prepare

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
    verbose: Annotated[bool, typer.Option(help="Papermill's own log too.")] = False,
) -> None:
    """Execute a notebook; a failed one stays under running/, where it can be opened."""
    from nse_lstm.study.tools.execute_notebook import execute_notebook, parse_parameters

    execute_notebook(
        source,
        target,
        workspace=identity.open(),
        parameters=asdict(identity) | parse_parameters(parameter or []),
        verbose=verbose,
    )


@app.command(hidden=True)
def render(
    source: Path,
    target: Path,
    verdict: Annotated[Path, typer.Option(help="The study's verdict.json.")],
) -> None:
    """Render an executed notebook as a page that begins with the verdict."""
    from nse_lstm.json_files import read_json
    from nse_lstm.reporting.pages import render_notebook

    render_notebook(source, target, verdict=read_json(verdict))


@verb(hidden=True)
def stock_pages(identity: Identity, source: Path, path: Path) -> None:
    """Write a page for every recommended stock, and their list for Make."""
    from nse_lstm.pages.stock_pages import make_stock_pages
    from nse_lstm.paths import write_text

    names = make_stock_pages(identity.open(), source, parameters=asdict(identity))
    write_text(path, "".join(f"{name}\n" for name in names))


@verb(hidden=True)
def status(identity: Identity, path: Path) -> None:
    """Write the status page as HTML and as Markdown."""
    from nse_lstm.pages.status import write_status

    write_status(identity.open(), path, study_file=identity.study)


@verb(hidden=True)
def index(identity: Identity, path: Path) -> None:
    """Write the index page, which begins with the verdict."""
    from nse_lstm.pages.index import write_index
    from nse_lstm.study.tools.build_costs import cost_lines

    workspace = identity.open()
    answers = write_index(workspace, path)
    typer.echo(cost_lines(workspace))
    for each in answers:
        typer.echo(f"{each.question} {each.answer}: {each.evidence}.")


@app.command(hidden=True)
def starter(path: Path) -> None:
    """Write the starter notebook of the laboratory, unless it is there."""
    from nse_lstm.study.tools.starter import write_starter

    if write_starter(path):
        typer.echo(f"{path} is a first notebook of your own")


@app.command(hidden=True)
def copy_ledger(first: Path, second: Path, market: str = "simulated") -> None:
    """Copy one build's ledger of trials and evaluations to a second build."""
    from nse_lstm.study.tools.reproducibility import copy_ledger as copy

    copy(first, second, market)


@app.command(hidden=True)
def hostile_home(folder: Path) -> None:
    """Make a home folder of hostile settings; print its environment for `env`."""
    from nse_lstm.study.tools.hostile_home import make_hostile_home

    for name, value in make_hostile_home(folder).items():
        typer.echo(shlex.quote(f"{name}={value}"))
