"""Verbs of deployment: scoring, promotion, service, monitoring, forecast store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nse_lstm.cli.verbs import Answer, Identity, verb
from nse_lstm.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="NSE_LSTM_STORE",
        help="SQLAlchemy URL of the forecast store. Default: the market's own file.",
        show_envvar=True,
    ),
]


@verb()
def score(
    identity: Identity,
    as_of: Annotated[
        str, typer.Option(help="Day, as 2024-12-31. Default: the last session.")
    ] = "",
    correct: Annotated[
        str,
        typer.Option(
            metavar="DATE",
            help="Append today's values of this session's stored forecasts beside "
            "them, where corrected data give others. Needs --reason.",
        ),
    ] = "",
    reason: Annotated[str, typer.Option(help="Why they changed.")] = "",
    store: StoreUrl = "",
) -> Answer:
    """Append the next session's forecasts to the store; exit 1 if none or contradicted.

    A stored forecast is never rewritten. Where corrected data give another value, both
    are listed and the exit code is 1, until --correct appends the new one beside it.
    """
    from nse_lstm.study.core.phase_tables import parse_day
    from nse_lstm.study.deployment.deploy import score as score_study

    if correct or reason:
        if as_of or not correct:
            raise ConfigurationError(
                "Expected --correct DATE --reason TEXT without --as-of. Received: "
                + ("--as-of beside them" if as_of else "a reason without --correct")
            )
        return _correct(identity, correct, reason, store)
    found = score_study(
        identity.open(),
        as_of=parse_day(as_of) if as_of else None,
        store=store,
        progress=lambda line: typer.echo(line, err=True),
    )
    columns = ["ticker", "stage", "model", "origin", "target_date", "price_hat"]
    columns += ["y_hat", "lower", "upper", "flags"]
    lines = refusal_lines(found.refused)
    if len(found.forecasts):
        lines.append(
            "In use: the rows of stage champion. The others are stored for comparison"
        )
    lines.append(
        f"{found.n_new} of {len(found.forecasts)} rows are new in {found.store}"
    )
    lines += [
        f"{row.ticker} {row.stage} {row.origin:%Y-%m-%d}: {row.what} is stored as "
        f"{row.stored}, today's data give {row.now}; the stored one stays"
        for row in found.differences.itertuples()
    ]
    fails = found.forecasts.empty or len(found.differences) > 0
    return Answer(found.forecasts[columns], lines, code=int(fails))


def refusal_lines(refused: "pd.DataFrame") -> list[str]:
    """Say each reason for a missing forecast once, with the models that it stops.

    Parameters
    ----------
    refused : DataFrame
        As from ``serving.score_latest``.
    """
    return [
        f"No forecast of {_models(rows)}: {reason}"
        for reason, rows in refused.groupby("reason", sort=False)
    ]


def _models(rows: "pd.DataFrame") -> str:
    if len(rows) == 1:
        row = rows.iloc[0]
        return f"{row['ticker']} ({row['stage']} {row['model']})"
    return f"{', '.join(dict.fromkeys(rows['ticker']))} ({len(rows)} models)"


def _correct(identity: Identity, day: str, reason: str, store: str) -> Answer:
    from nse_lstm.study.core.phase_tables import parse_day
    from nse_lstm.study.deployment.deploy import correct as correct_study

    found = correct_study(identity.open(), parse_day(day), reason=reason, store=store)
    lines = [
        f"{row.ticker} {row.stage} {row.origin:%Y-%m-%d}: {row.what} was {row.stored}, "
        f"is {row.now} from now on"
        for row in found.differences.itertuples()
    ]
    lines.append(
        f"{found.n_new} forecasts were corrected in {found.store}; the earlier values "
        "stay beside the new ones, and monitoring uses the new ones"
        if found.n_new
        else f"No forecast of {day} in {found.store} differs: nothing was corrected"
    )
    columns = ["ticker", "stage", "version", "origin", "what", "stored", "now"]
    table = found.differences[columns]
    return Answer(table, lines, code=int(not found.n_new))


@verb()
def advise(
    identity: Identity,
    orders: Annotated[
        Path, typer.Argument(help="CSV file: side, ticker, shares, latest.")
    ],
    as_of: Annotated[
        str,
        typer.Option(
            help="Today, as 2024-12-31: later than the next session is refused. "
            "Default: the last session."
        ),
    ] = "",
) -> Answer:
    """Advise on each order of a file: send it now, or wait and until when.

    It uses the ranking that `nse-lstm score` left, and fits one where there is none.
    """
    from nse_lstm.study.core.phase_tables import parse_day
    from nse_lstm.study.deployment.advise import advise as advise_study

    found = advise_study(
        identity.open(),
        orders,
        as_of=parse_day(as_of) if as_of else None,
        progress=lambda line: typer.echo(line, err=True),
    )
    numbers = [str(name) for name in found.table if str(name).endswith("_bps")]
    table = found.table.round(dict.fromkeys(numbers, 1))
    return Answer(table, list(found.words))


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
        str, typer.Option(help="First digits, where there are several versions.")
    ] = "",
    store: StoreUrl = "",
) -> None:
    """Move a stock's model to a stage; a champion has to pass the gate."""
    from nse_lstm.study.deployment.promotion import promote_by_hand

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
        f"{entry.label} is {entry.stage} of {entry.ticker} ({entry.way}): {entry.why}"
    )


@verb()
def rollback(
    identity: Identity,
    ticker: str,
    why: Annotated[str, typer.Option(help="Reason in words.")] = "Rolled back by hand.",
) -> None:
    """Make the previous champion of a stock champion again."""
    from nse_lstm.study.deployment.promotion import roll_back_by_hand

    entry = roll_back_by_hand(identity.open(), ticker, why=why)
    typer.echo(f"{entry.label} is champion of {entry.ticker} again: {entry.why}")


@verb()
def history(
    identity: Identity,
    ticker: Annotated[str, typer.Argument(help="Default: all stocks.")] = "",
) -> Answer:
    """List every promotion: time, model, stage, way and reason."""
    from nse_lstm.study.deployment.promotion import promotion_history

    table = promotion_history(identity.open(), ticker)
    return Answer(table, [] if len(table) else ["No promotion yet"])


@verb()
def refit(
    identity: Identity,
    stocks: Annotated[
        str, typer.Option(help="Tickers with commas. Default: all in the registry.")
    ] = "",
) -> None:
    """Fit v2 on all data as challenger, whose forecasts are stored but not served."""
    from nse_lstm.study.deployment.refit import refit as refit_study

    for entry in refit_study(identity.open(), stocks.split(",") if stocks else ()):
        typer.echo(f"{entry.ticker} v2 {entry.version[:12]} is challenger: {entry.why}")


@verb()
def store_backup(identity: Identity, path: Path, store: StoreUrl = "") -> None:
    """Write every stored forecast to a parquet file."""
    from nse_lstm.study.deployment.forecast_store import backup

    typer.echo(f"{backup(identity.open(), path, store=store)} rows in {path}")


@verb()
def store_restore(identity: Identity, path: Path, store: StoreUrl = "") -> None:
    """Append a backup's missing rows to the store."""
    from nse_lstm.study.deployment.forecast_store import restore

    typer.echo(f"{restore(identity.open(), path, store=store)} rows were added")


@verb()
def serve(
    identity: Identity,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.", min=1, max=65535)] = 8000,
) -> None:
    """Serve forecasts over HTTP; changes need the token of NSE_LSTM_TOKEN."""
    from nse_lstm.study.deployment.service import serve as serve_study

    serve_study(identity.open(), host=host, port=port)


@verb()
def monitor(
    identity: Identity,
    as_of: Annotated[
        str, typer.Option(help="Day, as 2024-12-31. Default: the last session.")
    ] = "",
    store: StoreUrl = "",
) -> Answer:
    """Monitor the stored forecasts and their inputs; exit 1 if there is an alarm."""
    from nse_lstm.study.core.phase_tables import parse_day
    from nse_lstm.study.deployment.monitoring import monitor as monitor_study

    found = monitor_study(
        identity.open(), as_of=parse_day(as_of) if as_of else None, store=store
    )
    lines = [
        f"{test.test}: evidence {test.evidence:.3g} from {test.compared} sessions "
        "compared; 20 promote it"
        for test in found.tests.itertuples()
    ]
    lines += found.corrected
    if found.corrected:
        lines.append("The newest corrections are monitored, not what was first stored")
    lines.append(
        f"{len(found.now)} alarms now, {len(found.alerts)} since monitoring began; "
        f"{found.n_realised} stored forecasts have come due"
    )
    return Answer(found.now, lines, code=1 if len(found.now) else 0)


@verb()
def replay(
    identity: Identity,
    year: Annotated[
        int, typer.Option(help="A year that Phase 4 forecast. Default: the test year.")
    ] = 0,
) -> None:
    """Replay a year day by day: score, realise, test, alarm, promote."""
    from nse_lstm.study.deployment.replay import replay as replay_study

    found = replay_study(identity.open(), year=year, tell=typer.echo)
    typer.echo(
        f"{found.n_sessions} sessions of {found.year}: {len(found.forecasts)} "
        f"forecasts stored and read back, {len(found.alerts)} alarms, "
        f"{len(found.promotions)} changes of the model in use"
    )
