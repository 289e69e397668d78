"""`nse-lstm import`: other people's price files become a market of the study.

The files are read in any known shape, checked for what no real price does, and written
as the exchange writes its own. The market's entry goes into the study file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from nse_lstm.config import Ticks, load_study
from nse_lstm.data.panel import build_panel
from nse_lstm.data.price_import.arrange import ArrangedPrices, arrange
from nse_lstm.data.price_import.date_dialects import DATE_ORDERS
from nse_lstm.data.price_import.exchange_files import exchange_files
from nse_lstm.data.price_import.headers import parse_columns
from nse_lstm.data.price_import.plausibility import ALARM, PriceDoubt, find_doubts
from nse_lstm.data.price_import.shapes import (
    ForeignPrices,
    ImportOptions,
    code_of,
    read_foreign,
)
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.json_files import to_json
from nse_lstm.paths import Paths, find_root, write_folder, write_text
from nse_lstm.study.core.market_scope import scope_sentences
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.prepare import preview_scope

RECORD = "IMPORTED.md"
"""Beside the written files: what was done. Only a folder that has it is replaced."""


@dataclass(frozen=True)
class ImportedRules:
    """The exchange's rules for the market's entry; none unless the user gives them."""

    limit: float = 0.0
    """Daily limit as a fraction, such as 0.1."""
    ticks: Ticks = "none"
    indices: tuple[str, ...] = ()
    """Codes of the market's indices, which begin with ``^``."""
    label: str = ""


@dataclass(frozen=True)
class Imported:
    """Result of an import: rows, decisions, doubts, files."""

    row_counts: pd.DataFrame
    """``ROW_COUNTS`` of the user's files."""
    lines: tuple[str, ...]
    """What was decided, what is not read, what is doubtful, what comes next."""
    doubts: tuple[PriceDoubt, ...]
    written: bool
    """Whether files were written; an alarm that nobody accepted prevents it."""
    rows: pd.DataFrame = field(repr=False)


def import_prices(
    folder: Path,
    market: str,
    *,
    root: str = "",
    study: str = "study.toml",
    options: ImportOptions | None = None,
    rules: ImportedRules | None = None,
    known: Path | None = None,
    accept: str = "",
    today: date | None = None,
) -> Imported:
    """Import a folder of price files as a market of the study.

    Writes one price file per year and ``IMPORTED.md`` to ``data/raw/<market>``, and an
    entry to the study file if it has none of that name.

    Parameters
    ----------
    folder : Path
        Of the user's files, which are only read.
    market : str
        Name of the market: lower-case letters, digits and underscores.
    root, study
        As for ``open_workspace``.
    options : ImportOptions, optional
        The user's word where the files cannot decide.
    rules : ImportedRules, optional
        Limit, ticks and indices of the exchange.
    known : Path, optional
        Folder of trusted files of the same market in the exchange's form, to compare.
    accept : str
        Reason to import in spite of alarms; it is recorded.
    today : date, optional
        Later sessions are refused.

    Raises
    ------
    DataError
        If a file cannot be read; names file, line and value.
    ConfigurationError
        If the market's name or folder is taken.
    """
    options, rules = options or ImportOptions(), rules or ImportedRules()
    project = find_root()
    target = Paths(project / root, market).raw
    _check_market(project / study, market, target, rules)
    prices = read_foreign(folder, options)
    arranged = arrange(prices, options, today=today or date.today())
    doubts = find_doubts(
        arranged.rows,
        limit=rules.limit,
        ticks=rules.ticks,
        known=None if known is None else build_panel(known).panel,
    )
    _check_indices(arranged.rows, rules)
    alarms = [doubt for doubt in doubts if doubt.severity == ALARM]
    lines = [*_found_lines(prices, arranged), *_doubt_lines(doubts, market)]
    written = not alarms or bool(accept)
    if not written:
        lines.append(
            f"Nothing was written: {len(alarms)} alarms. Mend the files, or import "
            'them anyway with --accept "the reason"'
        )
        return Imported(
            arranged.row_counts, tuple(lines), tuple(doubts), False, arranged.rows
        )
    if alarms:
        lines.append(f"Imported in spite of {len(alarms)} alarms: {accept}")
    files = exchange_files(arranged.rows, market)
    record = _record(folder, market, prices, arranged.row_counts, lines)
    write_folder(target, {**files, RECORD: record.encode()})
    lines.append(f"{len(files)} files of {len(arranged.rows):,} rows are in {target}")
    lines.append(_add_entry(project / study, market, rules))
    lines += _outlook(project, study, market, root)
    return Imported(
        arranged.row_counts, tuple(lines), tuple(doubts), True, arranged.rows
    )


def _check_market(study: Path, market: str, target: Path, rules: ImportedRules) -> None:
    """Refuse a market that is simulated, or whose folder holds other files."""
    if not market or not market.replace("_", "a").isalnum() or not market.islower():
        raise ConfigurationError(
            "--market must be lower-case letters, digits and underscores. Received: "
            f"{market!r}"
        )
    if _has_entry(study, market):
        if load_study(study, market).market.simulated:
            raise ConfigurationError(
                f"--market must not be a simulated market. Received: {market!r}"
            )
    else:
        load_study(study)  # the file must hold up before an entry is added
    if target.exists() and any(target.iterdir()) and not (target / RECORD).is_file():
        raise ConfigurationError(
            f"{target} must be empty or hold an earlier import. Received: files that "
            "no import wrote; choose another --market"
        )


def _check_indices(rows: pd.DataFrame, rules: ImportedRules) -> None:
    missing = sorted(set(rules.indices) - set(rows["ticker"]))
    if missing:
        raise ConfigurationError(
            f"--index must name codes of the files. Received: {', '.join(missing)}"
        )


def _found_lines(prices: ForeignPrices, arranged: ArrangedPrices) -> list[str]:
    """Tell what was read and how, each decision once."""
    rows = arranged.rows
    spans = rows.groupby("ticker")["session"].agg(["min", "max", "count"])
    lines = [
        f"{ticker}: {n:,} sessions, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        for ticker, first, last, n in spans.head(10).itertuples()
    ]
    if len(spans) > 10:
        lines.append(f"and {len(spans) - 10} codes more")
    for about in prices.files[:10]:
        lines += [f"{about.file}: {rule}" for rule in about.rules]
        lines += [
            f"{about.file}: {printed!r} is {code} here"
            for code, printed in list(about.tickers.items())[:10]
            if printed.upper() != code
        ]
    if len(prices.files) > 10:
        lines.append(f"{len(prices.files) - 10} files more are in {RECORD}")
    unread: dict[str, tuple[str, int]] = {}
    for about in prices.files:
        for column, why in about.unread.items():
            unread[column] = (why, unread.get(column, ("", 0))[1] + 1)
    lines += [
        f"Column {column!r} of {n} files is not read: {why}"
        for column, (why, n) in unread.items()
    ]
    lines += [f"{name} is not read: no CSV" for name in prices.left_out]
    weekend = rows.loc[rows["session"].dt.day_of_week >= 5, "session"].nunique()
    if weekend:
        lines.append(
            f"{weekend} of {rows['session'].nunique()} sessions are on a weekend"
        )
    return lines


def _doubt_lines(doubts: Sequence[PriceDoubt], market: str) -> list[str]:
    shown = sorted(doubts, key=lambda doubt: doubt.severity != ALARM)[:20]
    lines = [
        f"{doubt.severity}: {doubt.ticker}: {doubt.detail}"
        + (
            f" ({doubt.source_file}, line {doubt.source_line})"
            if doubt.source_file
            else ""
        )
        for doubt in shown
    ]
    if len(doubts) > len(shown):
        lines.append(f"and {len(doubts) - len(shown)} doubts more")
    if any("in one session" in doubt.detail for doubt in doubts):
        lines.append(
            "A split or bonus among these moves belongs in "
            f"data/corporate_actions/{market}.csv, with its source"
        )
    return lines


def _record(
    folder: Path,
    market: str,
    prices: ForeignPrices,
    row_counts: pd.DataFrame,
    lines: Sequence[str],
) -> str:
    """Describe an import for later readers of the folder."""
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in ([folder] if folder.is_file() else sorted(folder.rglob("*")))
        if path.is_file() and path.name in {about.file for about in prices.files}
    }
    rules = {about.file: about.rules for about in prices.files if about.rules}
    table = [
        f"| {row.source_file} | {row.action} | {row.reason} | {row.n_rows} |"
        for row in row_counts.itertuples()
    ]
    return "\n".join(
        [
            f"# Market `{market}`: files imported by `nse-lstm import`",
            "",
            "These files are made from the ones below and are replaced by the next "
            "import. Mend the originals.",
            "",
            "| file | action | reason | rows |",
            "| --- | --- | --- | --- |",
            *table,
            "",
            *(f"- {line}" for line in lines),
            "",
            "```json",
            to_json({"sha256": digests, "rules": rules}).rstrip(),
            "```",
            "",
        ]
    )


def _has_entry(study: Path, market: str) -> bool:
    try:
        load_study(study, market)
    except ConfigurationError as error:
        if "`market` must be one of" in str(error):
            return False
        raise
    return True


def _add_entry(study: Path, market: str, rules: ImportedRules) -> str:
    """Append the market to the study file, unless it is there."""
    if _has_entry(study, market):
        return f"{study.name} has an entry [markets.{market}], which is kept"
    label = rules.label or f"{market}: prices imported from files of the user"
    ticks = f'"{rules.ticks}"' if isinstance(rules.ticks, str) else str(rules.ticks)
    indices = ", ".join(f'"{code}"' for code in rules.indices)
    entry = "\n".join(
        [
            "",
            f"[markets.{market}]",
            f"label = {to_json(label).strip()}",
            f'raw = "data/raw/{market}"',
            'prices = "close"',
            "",
            f"[markets.{market}.backtest]",
            f"limit = {rules.limit}",
            f"indices = [{indices}]",
            "board_lot = 1",
            "",
            f"[markets.{market}.cross_section]",
            f"ticks = {ticks}",
            "",
        ]
    )
    before = study.read_text(encoding="utf-8")
    write_text(study, before.rstrip("\n") + "\n" + entry)
    load_study(study, market)
    return (
        f"{study.name} has a new entry [markets.{market}]. Costs, cash and universe "
        "are the study's; cash_rate = 0.04 under "
        f"[markets.{market}.backtest] is a setting for this market alone"
    )


def _outlook(project: Path, study: str, market: str, root: str) -> list[str]:
    """Read the market as Phase 1 will, and tell what the study can do with it."""
    workspace = Workspace(
        study=load_study(project / study, market), paths=Paths(project / root, market)
    )
    try:
        sentences = scope_sentences(preview_scope(workspace))
    except DataError as error:
        return [f"A build would stop in Phase 1: {error}"]
    given = "" if study == "study.toml" else f" STUDY={study}"
    return [*sentences, f"Build it: make all MARKET={market}{given}"]


def read_options(
    *, columns: str, dates: str, decimal: str, tickers: Sequence[str], volume: int
) -> ImportOptions:
    """Read the options of the command line.

    Parameters
    ----------
    columns, dates, decimal : str
        As typed; empty where not given.
    tickers : sequence of str
        As ``FILE=CODE``.
    volume : int
        Shares per session, 0 where not given.

    Raises
    ------
    ConfigurationError
        If one cannot be read.
    """
    for name, value, known in (
        ("dates", dates, DATE_ORDERS),
        ("decimal", decimal, ("point", "comma")),
    ):
        if value and value not in known:
            raise ConfigurationError(
                f"--{name} must be {' or '.join(known)}. Received: {value!r}"
            )
    pairs = dict(text.rpartition("=")[::2] for text in tickers)
    for file, code in pairs.items():
        if not file or not code_of(code):
            raise ConfigurationError(
                "--ticker must be as 'Prices of Safaricom.csv=SCOM'. Received: "
                f"{file + '=' if file else ''}{code!r}"
            )
    return ImportOptions(
        columns=parse_columns(columns),
        dates=dates,
        decimal=decimal,
        tickers=pairs,
        volume=volume,
    )


def read_rules(*, limit: float, ticks: str, indices: str, label: str) -> ImportedRules:
    """Read the options that describe the exchange.

    Parameters
    ----------
    limit : float
        Daily limit as a fraction, 0 for none.
    ticks : str
        ``nse``, ``none`` or a number.
    indices : str
        Codes with commas.
    label : str
        Of the market.

    Raises
    ------
    ConfigurationError
        If one cannot be read.
    """
    if not 0 <= limit < 1:
        raise ConfigurationError(
            f"--limit must be a fraction below 1, as 0.1. Received: {limit:g}"
        )
    codes = tuple(code_of(code) for code in indices.split(",") if code.strip())
    wrong = [code for code in codes if not code.startswith("^")]
    if wrong:
        raise ConfigurationError(
            f"--index must name codes that begin with ^. Received: {indices!r}"
        )
    if ticks in ("nse", "none"):
        step: Ticks = "nse" if ticks == "nse" else "none"
    else:
        try:
            step = float(ticks)
        except ValueError:
            step = 0.0
        if not 0 < step < float("inf"):
            raise ConfigurationError(
                f"--ticks must be nse, none or a price step. Received: {ticks!r}"
            )
    return ImportedRules(limit=limit, ticks=step, indices=codes, label=label)
