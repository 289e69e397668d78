"""Verbs for other people's data: price files and forecasts."""

from pathlib import Path
from typing import Annotated

import typer

from nse_lstm.cli.verbs import Answer, Identity, verb


@verb(name="import", study=False)
def import_prices(
    folder: Annotated[Path, typer.Argument(help="Folder of price files, or one file.")],
    market: Annotated[str, typer.Option(help="Name of the new market.")],
    columns: Annotated[
        str,
        typer.Option(
            help="Columns of files without a header: date,low,high,close,skip,volume."
        ),
    ] = "",
    dates: Annotated[
        str, typer.Option(help="day-first or month-first, where no date tells.")
    ] = "",
    decimal: Annotated[
        str, typer.Option(help="point or comma, where no number tells.")
    ] = "",
    ticker: Annotated[
        list[str] | None,
        typer.Option(help="FILE=CODE, where a file's name is no stock code."),
    ] = None,
    volume: Annotated[
        int, typer.Option(help="Shares of each session where no file has them.", min=0)
    ] = 0,
    limit: Annotated[
        float,
        typer.Option(help="The exchange's daily limit, as 0.1. Default: none.", min=0),
    ] = 0.0,
    ticks: Annotated[
        str, typer.Option(help="Price steps: nse, none, or a number.")
    ] = "none",
    index: Annotated[
        str, typer.Option(help="Codes of indices among the files, with commas.")
    ] = "",
    known: Annotated[
        str,
        typer.Option(help="Folder of trusted files of the same market, to compare."),
    ] = "",
    label: Annotated[str, typer.Option(help="Shown in the header of pages.")] = "",
    accept: Annotated[
        str, typer.Option(help="Reason to import in spite of alarms; it is recorded.")
    ] = "",
    root: Annotated[
        str, typer.Option(help="Folder of the artefacts; the project if empty.")
    ] = "",
    study: Annotated[str, typer.Option(help="Study file.")] = "study.toml",
) -> Answer:
    """Import other people's price files as a market; exit 1 if an alarm stops it."""
    from nse_lstm.study.data_analysis.import_prices import import_prices as run
    from nse_lstm.study.data_analysis.import_prices import read_options, read_rules

    found = run(
        folder,
        market,
        root=root,
        study=study,
        options=read_options(
            columns=columns,
            dates=dates,
            decimal=decimal,
            tickers=ticker or (),
            volume=volume,
        ),
        rules=read_rules(limit=limit, ticks=ticks, indices=index, label=label),
        known=Path(known) if known else None,
        accept=accept,
    )
    return Answer(found.row_counts, found.lines, code=0 if found.written else 1)


@verb(name="judge")
def judge_outside(
    identity: Identity,
    file: Annotated[
        Path, typer.Argument(help="Forecasts: unique_id, ds, cutoff and y_hat.")
    ],
    name: Annotated[str, typer.Option(help="Name of the model, as chronos_small.")],
    column: Annotated[
        str, typer.Option(help="The model's column, where the file has several.")
    ] = "",
    trained_through: Annotated[
        str, typer.Option(help="Last day in the model's training data, as 2022-12-31.")
    ] = "",
) -> Answer:
    """Judge forecasts made elsewhere as the study's own: exploratory, and recorded."""
    from nse_lstm.pages.outside import (
        accuracy_by_horizon,
        write_outside,
    )
    from nse_lstm.study.laboratory.judge import judge_outside as judge_file

    workspace = identity.open()
    found = judge_file(
        workspace, file, name=name, column=column, trained_through=trained_through
    )
    page = write_outside(workspace, found)
    table = accuracy_by_horizon(found, found.placed[0].horizon)
    return Answer(table, [*found.summary, f"The page: {page}"])
