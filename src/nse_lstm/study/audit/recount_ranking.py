"""Recount the rank ICs of Phase 2 from the ranking models' published forecasts."""

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from nse_lstm.study.audit.recount_data import ALL
from nse_lstm.study.audit.recount_scores import NONE, Expected
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.measures import realised_return
from nse_lstm.study.audit.reference.ranks import (
    best_weights,
    blend,
    spearman,
    spearman_span,
)
from nse_lstm.study.audit.reference.statistics import (
    NORMAL,
    Span,
    bartlett_variance,
    mean,
)
from nse_lstm.study.audit.table_rows import to_dates

MEMBERS = ("ridge", "boosting", "rank_lstm")
EVERY_YEAR = 0
BOUND = NORMAL.inv_cdf(0.975)
CONSTANT = 1e-9
SLACK = 0.01

Aim = tuple[int, int, int]
"""Fold, delay and horizon."""


class Cell(NamedTuple):
    """One stock's forecast of one session, and its return, or NaN."""

    target: date
    y_hat: float
    y: float


Session = dict[str, Cell]
"""By stock."""
Ranked = dict[tuple[str, int, Aim, date], Session]
"""By model, seed, fold with delay and horizon, and origin."""


def recount_ranking(ranked: Ranked) -> Expected:
    """Yield every session's rank IC, and the means by year with their intervals.

    Parameters
    ----------
    ranked : dict
        From ``read_ranked``.
    """
    series: dict[tuple[str, int, int], dict[tuple[int, date], list[Span]]]
    series = defaultdict(lambda: defaultdict(list))
    for each, correlate in ((ranked, _exact), (_blends(ranked), spearman_span)):
        for (model, seed, aim, origin), session in each.items():
            known = [cell for cell in session.values() if not math.isnan(cell.y)]
            found = correlate([c.y_hat for c in known], [c.y for c in known])
            if not math.isnan(found.low):
                fold, delay, horizon = aim
                place = ("rank_ic.parquet", model, seed, *aim, origin)
                yield (*place, "rank_ic"), found
                yield (*place, "n"), len(known)
                series[model, delay, horizon][fold, origin].append(found)
    for (model, delay, horizon), by_session in series.items():
        name = f"rank_ic_{horizon}" + ("" if delay == 1 else f"_delay_{delay}")
        for fold in (EVERY_YEAR, *sorted({fold for fold, _ in by_session})):
            own = [
                Span(mean([v.low for v in values]), mean([v.high for v in values]))
                for (year, _), values in sorted(by_session.items())
                if fold in (EVERY_YEAR, year)
            ]
            scored = ("scores.parquet", ALL, model, fold, "none", name, NONE)
            yield (*scored, "n"), len(own)
            for column, value in _mean_ic(own, 2 * horizon).items():
                yield (*scored, column), value


def _exact(one: list[float], other: list[float]) -> Span:
    found = spearman(one, other)
    return Span(found, found)


def _mean_ic(own: list[Span], lags: int) -> dict[str, Span]:
    """Return the mean rank IC and its Newey-West bounds, as far as ties fix them."""
    ends = [[value[end] for value in own] for end in (0, 1)]
    low, high = map(mean, ends)
    errors = [_newey_west(values, lags) for values in ends]
    # Other orders of the ties move the error by less than this.
    slack = 0.0 if ends[0] == ends[1] else SLACK
    least, most = min(errors) * (1 - slack), max(errors) * (1 + slack)
    return {
        "value": Span(low, high),
        "lower": Span(low - BOUND * most, high - BOUND * least),
        "upper": Span(low + BOUND * least, high + BOUND * most),
    }


def _newey_west(values: list[float], lags: int) -> float:
    """Return the standard error of a mean of overlapping returns' rank ICs."""
    if len(values) < 2:
        return math.nan
    if max(values) - min(values) <= CONSTANT * max(map(abs, values)):
        return 0.0
    spread = bartlett_variance(values, min(lags, len(values) - 1))
    return math.sqrt(max(spread, 0.0) / len(values))


def read_ranked(market: ReferenceMarket, folders: list[Path], test_year: int) -> Ranked:
    """Read the published forecasts, and find their returns in the raw text.

    Parameters
    ----------
    market : ReferenceMarket
    folders : list of Path
        With one folder per year, each with ``forecasts.parquet``.
    test_year : int
        Whose returns no ranking sees.
    """
    ranked: Ranked = {}
    came: dict[tuple[str, date, date, date], float] = {}
    files = [path for folder in folders for path in folder.glob("*/forecasts.parquet")]
    for path in sorted(files):
        table = pd.read_parquet(path)
        columns = [
            *(table[name].tolist() for name in ("ticker", "model", "seed", "fold")),
            *(table[name].tolist() for name in ("delay", "horizon", "y_hat")),
            *(
                to_dates(table[name])
                for name in ("origin", "entry_date", "target_date")
            ),
        ]
        for ticker, model, seed, fold, delay, horizon, y_hat, *days in zip(
            *columns, strict=True
        ):
            origin, entry, target = days
            if math.isnan(y_hat):
                continue
            key = (ticker, origin, entry, target)
            if key not in came:
                found = None
                if target.year < test_year:
                    found = realised_return(
                        market, ticker, origin=origin, entry=entry, target=target
                    )
                came[key] = math.nan if found is None else found[0]
            place = (model, seed, (fold, delay, horizon), origin)
            ranked.setdefault(place, {})[ticker] = Cell(target, y_hat, came[key])
    return ranked


def _blends(ranked: Ranked) -> Ranked:
    """Blend the members' ranks: all at one weight, without the LSTM, and weighted."""
    found: Ranked = {}
    others = tuple(name for name in MEMBERS if name != "rank_lstm")
    whole = dict(side_by_side(ranked, MEMBERS))
    for (aim, origin), sessions in whole.items():
        shares = [1 / len(MEMBERS)] * len(MEMBERS)
        found["ensemble_equal", 0, aim, origin] = _blend(sessions, shares)
    for (aim, origin), sessions in side_by_side(ranked, others):
        shares = [1 / len(others)] * len(others)
        found["ensemble_without_lstm", 0, aim, origin] = _blend(sessions, shares)
    for aim in sorted({aim for aim, _ in whole}):
        fold, *kind = aim
        past = [
            _known(sessions)
            for ((year, *other), _), sessions in sorted(whole.items())
            if other == kind
            and year <= fold
            and max(cell.target for cell in sessions[0].values()) < date(fold, 1, 1)
        ]
        weights = best_weights(
            [each for each in past if len(each[1]) > 1], len(MEMBERS)
        )
        for (own, origin), sessions in whole.items():
            if own == aim:
                found["ensemble", 0, aim, origin] = _blend(sessions, weights)
    return found


def side_by_side(
    ranked: Ranked, members: tuple[str, ...]
) -> Iterator[tuple[tuple[Aim, date], list[Session]]]:
    """Give each session's forecasts of every member, seeds averaged, shared stocks.

    Parameters
    ----------
    ranked : dict
        From ``read_ranked``.
    members : tuple of str
        Names of models.
    """
    seeds: dict[tuple[Aim, date], dict[str, list[Session]]] = {}
    for (model, _, aim, origin), session in ranked.items():
        if model in members:
            seeds.setdefault((aim, origin), {}).setdefault(model, []).append(session)
    for key, by_model in seeds.items():
        if len(by_model) < len(members):
            continue
        own = [_mean_session(by_model[model]) for model in members]
        shared = sorted(set.intersection(*(set(session) for session in own)))
        if shared:
            yield key, [{name: session[name] for name in shared} for session in own]


def _mean_session(sessions: list[Session]) -> Session:
    return {
        name: cell._replace(y_hat=mean([s[name].y_hat for s in sessions if name in s]))
        for name, cell in sessions[0].items()
    }


def _blend(sessions: list[Session], shares: list[float]) -> Session:
    values = [[cell.y_hat for cell in session.values()] for session in sessions]
    cells = sessions[0].items()
    return {
        name: cell._replace(y_hat=y_hat)
        for (name, cell), y_hat in zip(cells, blend(values, shares), strict=True)
    }


def _known(sessions: list[Session]) -> tuple[list[list[float]], list[float]]:
    """Return the members' forecasts and the returns of the stocks that have one."""
    names = [n for n, cell in sessions[0].items() if not math.isnan(cell.y)]
    hats = [[session[name].y_hat for name in names] for session in sessions]
    return hats, [sessions[0][name].y for name in names]
