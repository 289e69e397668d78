"""Recount every published number, and name those that nothing recounts.

The published numbers are those of ``published.published_numbers``, read from disk. Each
is compared with the plain code's own, to a relative 1e-6, or to half a unit of its last
printed digit. Bounds of the bootstrap agree as closely, since the same draws are taken
by the same rule (``reference.statistics.draw_resamples``).
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.compare_portfolios import compare_portfolios
from nse_lstm.study.audit.differences import column_differences, to_array
from nse_lstm.study.audit.published import Printed, published_numbers
from nse_lstm.study.audit.recount_claims import recount_claims
from nse_lstm.study.audit.recount_data import RecountData, read_forecasts
from nse_lstm.study.audit.recount_evidence import NAIVE, recount_evidence
from nse_lstm.study.audit.recount_ledger import PlainLedger, compare_ledger, read_ledger
from nse_lstm.study.audit.recount_money import recount_money
from nse_lstm.study.audit.recount_orders import recount_orders
from nse_lstm.study.audit.recount_portfolios import recount_portfolio_scores
from nse_lstm.study.audit.recount_ranking import read_ranked, recount_ranking
from nse_lstm.study.audit.recount_scores import Expected, Place, recount_scores
from nse_lstm.study.audit.recount_verdict import (
    compare_choices,
    recount_card,
    recount_selection,
    recount_verdict,
)
from nse_lstm.study.audit.recount_words import recount_words
from nse_lstm.study.audit.reference.labels import list_members
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.statistics import Span
from nse_lstm.study.audit.table_rows import to_dates
from nse_lstm.study.audit.unchecked import reason_for, unread_files
from nse_lstm.study.core.phase_tables import study_folds
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL, STRATEGY_RETURNS, read_table

NEAR, LEAST = 1e-6, 1e-9
"""Relative and absolute tolerance of a sum in another order."""
BOOKED = {
    "position": "position",
    "turnover": "turnover",
    "gross_return": "gross",
    "net_return": "net",
    "cash_return": "cash",
    "stock_return": "stock",
}
LONG = ("forecasts.parquet", "returns.parquet", "portfolio_returns.parquet")
"""Tables that are compared by whole columns, or not at all (``_long_unread``)."""


@dataclass(frozen=True)
class Recount:
    """Result of a recount."""

    n_recounted: int
    alarms: list[AuditAlarm]
    unchecked: dict[str, int]
    """Kinds of published numbers that nothing recounts, with how many there are."""

    def unchecked_rows(self) -> list[dict[str, Any]]:
        """Return one row per reason: ``reason``, ``kinds`` in words, ``n`` numbers."""
        rows: dict[str, dict[str, Any]] = {}
        for kind, n in sorted(self.unchecked.items()):
            why = reason_for(kind)
            row = rows.setdefault(why, {"reason": why, "kinds": [], "n": 0})
            row["kinds"].append(kind)
            row["n"] += n
        return list(rows.values())


def recount(workspace: Workspace, market: ReferenceMarket) -> Recount:
    """Recount what Phase 4 published, and Phase 2's rank ICs where it has run.

    Parameters
    ----------
    workspace : Workspace
        With a finished Phase 4.
    market : ReferenceMarket
        Read from its raw files.

    Returns
    -------
    Recount
        "recount: " with the file: place and difference.
    """
    folder = workspace.paths.evaluation
    data = open_recount(workspace, market)
    ledger = read_ledger(data, workspace.paths.ledger)
    expected = dict(_recounted(data, ledger, folder))
    words = recount_words(data, ledger, folder, expected)
    alarms = [
        AuditAlarm("recount: returns.parquet", where, detail)
        for where, detail in compare_returns(data, folder / "returns.parquet")
    ]
    alarms += [
        AuditAlarm("recount: ledger", where, detail)
        for where, detail in compare_ledger(data, ledger)
    ]
    alarms += [
        AuditAlarm("recount: selection.json", where, detail)
        for where, detail in compare_choices(data, folder)
    ]
    printed = list(published_numbers(folder, without=LONG))
    ranking = workspace.paths.ranking
    expected |= dict(recount_claims(data, folder, ranking))
    if (ranking / "rank_ic.parquet").is_file():
        folders = [ranking, workspace.paths.rank_lstm]
        ranked = read_ranked(market, folders, data.test_year)
        section = workspace.study.cross_section
        members = list_members(market, _ordinary(workspace), section)
        expected |= dict(recount_ranking(ranked))
        expected |= dict(recount_portfolio_scores(data, folder))
        expected |= dict(recount_orders(data, ranked, members, folder))
        alarms += [
            AuditAlarm("recount: portfolio_returns.parquet", where, detail)
            for where, detail in compare_portfolios(data, ranked, members, folder)
        ]
        printed += published_numbers(ranking, without=LONG)
    found = compare_numbers(printed, expected, words)
    return Recount(
        n_recounted=found.n_recounted,
        alarms=[*alarms, *found.alarms],
        unchecked={
            **found.unchecked,
            **_forecast_kinds(data),
            **unread_files(workspace.paths),
            **_long_unread(folder),
        },
    )


def _ordinary(workspace: Workspace) -> set[str]:
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    return set(panel.loc[panel["kind"] == "ordinary", "ticker"].astype(str))


def _long_unread(folder: Path) -> dict[str, int]:
    """Count the accounts that nothing books a second time, as one kind of number."""
    name = "portfolio_returns.parquet"
    return {name: 1} if (folder / name).is_file() else {}


def open_recount(workspace: Workspace, market: ReferenceMarket) -> RecountData:
    """Read the published forecasts, from which everything else follows.

    Parameters
    ----------
    workspace : Workspace
    market : ReferenceMarket
    """
    folds = study_folds(workspace)
    forecasts, seed = read_forecasts(
        workspace.paths.evaluation / "forecasts.parquet",
        model=workspace.study.verdict.model,
    )
    return RecountData(workspace.study, market, forecasts, folds[-1].year, seed)


def compare_numbers(
    printed: Iterable[Printed],
    expected: dict[Place, float | Span],
    words: dict[Place, list[float | Span]],
) -> Recount:
    """Compare published numbers with recounted ones.

    Parameters
    ----------
    printed : iterable of Printed
    expected : dict
        Numbers by place. One that is published nowhere is a difference too.
    words : dict
        Of a text's place: the numbers that it may say, as fractions or per cent.
    """
    alarms, unchecked, seen, n = [], Counter[str](), set(), 0
    for number in printed:
        seen.add(number.place)
        if number.place in expected:
            value = expected[number.place]
            same = _agree(number, value)
            shown = _shown(value)
        elif number.place[:-1] in words:
            allowed = words[number.place[:-1]]
            same = any(_agree(number, v) or _agree(number, v, 100) for v in allowed)
            shown = "none of the text's numbers"
        else:
            if not math.isnan(number.value):
                unchecked[number.kind] += 1
            continue
        n += 1
        if not same:
            alarms.append(
                AuditAlarm(
                    f"recount: {number.place[0]}",
                    " ".join(map(str, number.place[1:])),
                    f"{number.value:.8g} published, reference {shown}",
                )
            )
    alarms += [
        AuditAlarm(
            f"recount: {place[0]}",
            " ".join(map(str, place[1:])),
            f"nothing published, reference {_shown(value)}",
        )
        for place, value in expected.items()
        if place not in seen and not math.isnan(_ends(value).low)
    ]
    return Recount(n, alarms, dict(unchecked))


def compare_returns(data: RecountData, path: Path) -> Iterator[tuple[str, str]]:
    """Compare the published accounts session by session, the benchmarks' too.

    Parameters
    ----------
    data : RecountData
    path : Path
        ``returns.parquet``.

    Yields
    ------
    tuple of str and str
        Account and difference.
    """
    table = read_table(STRATEGY_RETURNS, path)
    key = ["ticker", "fold", "model", "rule", "cost_bps"]
    blocks = {tuple(group): rows for group, rows in table.groupby(key)}
    for (ticker, strategy), account in data.accounts.items():
        name = (ticker, *strategy)
        where = " ".join(map(str, name))
        rows = blocks.pop(name, table[:0])
        if to_dates(rows["session"]) != [booking.session for booking in account]:
            yield where, f"{len(rows)} sessions booked, reference {len(account)}"
            continue
        for column, field in BOOKED.items():
            expected = to_array([getattr(booking, field) for booking in account])
            yield from column_differences(
                rows[column], expected, where=where, least=LEAST
            )
    for odd in blocks:
        yield " ".join(map(str, odd)), "is an account that nothing should have"


def _recounted(data: RecountData, ledger: PlainLedger, folder: Path) -> Expected:
    yield from recount_scores(data)
    yield from recount_money(data)
    yield from recount_evidence(data, ledger)
    yield from recount_verdict(data, ledger, folder)
    yield from recount_selection(data, folder)
    yield from recount_card(data, folder)


def _ends(value: float | Span) -> Span:
    return value if isinstance(value, Span) else Span(value, value)


def _shown(value: float | Span) -> str:
    low, high = _ends(value)
    return f"{low:.8g}" if low == high else f"{low:.8g} to {high:.8g}"


def _agree(number: Printed, value: float | Span, scale: float = 1) -> bool:
    low, high = (scale * end for end in _ends(value))
    if math.isnan(low) or math.isnan(number.value):
        return math.isnan(low) and math.isnan(number.value)
    nearest = min(max(number.value, low), high)
    reach = LEAST + number.unit / 2 * (1 + NEAR)
    return math.isclose(number.value, nearest, rel_tol=NEAR, abs_tol=reach)


def _forecast_kinds(data: RecountData) -> dict[str, int]:
    """Name the models whose forecasts are only used, not made a second time."""
    counts = Counter[str]()
    for (_, _, model), rows in data.forecasts.items():
        if model == NAIVE:
            continue  # "reference: forecasts" compares it with the last price
        counts[f"forecasts.parquet price_hat of {model}"] += len(rows)
    return dict(counts)
