"""Correct the claim's faults one by one, from its Sharpe ratio to the honest one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.evaluation import metrics
from nse_lstm.study.anatomy import mechanism
from nse_lstm.study.anatomy.claimed_rows import read_claimed_rows
from nse_lstm.study.anatomy.forecasts import StepForecasts, forecast_all
from nse_lstm.study.anatomy.honest_backtest import HonestBacktest, backtest_honestly
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace

NETWORK, CONSTANT = "network", "constant"
PREFERRED = "SCOM"
"""The claim's stock, used where the market recommends it."""

WINDOWED = (
    ("text", "As claimed: dates sorted as text"),
    ("time", "Dates sorted as dates"),
    ("rows", "Faulty rows corrected"),
    ("unseen", "Scored out of sample"),
)
SPANNED = {
    "span": "All sessions, not two windows of 20",
    "timely": "The next session's forecast, not the same session's",
    "long": "No short selling",
}
TRADED = {
    "next_day": "Traded one session later",
    "costs": "Fees and levies paid",
    "cash": "Compared with cash: the honest number",
}
"""The steps by name, in order, and the fault that each corrects."""

CLAIMED_COST_BPS = round(mechanism.COST * 1e4)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Step:
    """Reported numbers after one more fault is corrected."""

    name: str
    title: str
    r_squared: float
    """On price levels of the reported span."""
    skill: float
    """On log returns of the reported span, against persistence."""
    sharpe: dict[str, float]
    """Of ``network`` and ``constant``, missing where nothing was ever bought."""
    path: pd.DataFrame
    """The traded rows: ``place`` (row number or session), ``price`` and the two
    forecasts, adjusted KES."""
    returns: pd.DataFrame
    """Net returns of these rows: ``place``, ``network``, ``constant``."""
    is_dated: bool
    """Whether ``place`` is a session and not a row number."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """All results that the anatomy's page shows."""

    ticker: str
    simulated: bool
    rows: pd.DataFrame
    """The claimed rows, in the order of the files."""
    steps: dict[str, Step]
    forecasts: dict[str, StepForecasts]
    """By version of the data, as in ``forecasts.forecast_all``."""
    honest: HonestBacktest


def dissect(
    workspace: Workspace, *, progress: Callable[[str], None] = print
) -> Anatomy:
    """Rebuild the claim on this market's files and correct it fault by fault.

    The stock is the claim's if it is recommended for the first walk-forward year, else
    the first recommended one. No row of the test year is used. Phase 1 must have run.
    Models of Phase 3 are reused, and fitted where they are missing.

    Parameters
    ----------
    workspace : Workspace
        With finished Phase 1.
    progress : callable
        Receives one line at a time.
    """
    data = open_study_data(workspace)
    folds = data.walk_forward
    names = data.recommended[folds[0].year]
    ticker = PREFERRED if PREFERRED in names else names[0]
    before = pd.Timestamp(data.facts.test_year, 1, 1)
    rows = read_claimed_rows(workspace.paths.raw, ticker, before=before)
    forecasts = forecast_all(data, rows, ticker=ticker, progress=progress)
    honest = backtest_honestly(
        workspace.study,
        data.prices,
        forecasts=forecast_returns(forecasts["unseen"]),
        ticker=ticker,
        names=names,
        start=folds[0].start,
        end=folds[-1].end,
        claimed_cost_bps=CLAIMED_COST_BPS,
    )
    steps = [_windowed(name, title, forecasts[name]) for name, title in WINDOWED]
    steps += span_steps(forecasts["unseen"])
    steps += _traded_steps(steps[-1], honest)
    return Anatomy(
        ticker=ticker,
        simulated=workspace.study.market.simulated,
        rows=rows,
        steps={step.name: step for step in steps},
        forecasts=forecasts,
        honest=honest,
    )


def forecast_returns(forecasts: StepForecasts) -> dict[str, pd.Series]:
    """Return forecast log returns by origin, missing where a price is not positive.

    They are keyed by forecaster, ``network`` and ``constant``.
    """
    origin = pd.DatetimeIndex(forecasts.origin)
    return {
        who: pd.Series(_log_ratio(hat, forecasts.last_price), index=origin)
        for who, hat in _both(forecasts).items()
    }


def _windowed(name: str, title: str, forecasts: StepForecasts) -> Step:
    """Score forecasts on the claim's own two windows."""
    part = forecasts.windowed
    place, price = forecasts.place[part], forecasts.price[part]
    hats = {who: hat[part] for who, hat in _both(forecasts).items()}
    windows = {who: mechanism.last_windows(price, hat) for who, hat in hats.items()}
    earned = np.arange(len(price)) % mechanism.ROWS != 0
    returns = {who: np.concatenate(each) for who, each in windows.items()}
    return Step(
        name=name,
        title=title,
        **_accuracy(forecasts),
        sharpe={w: mechanism.windowed_sharpe(each) for w, each in windows.items()},
        path=pd.DataFrame({"place": place, "price": price, **hats}),
        returns=pd.DataFrame({"place": place[earned], **returns}),
        is_dated=np.issubdtype(place.dtype, np.datetime64),
    )


def span_steps(forecasts: StepForecasts) -> list[Step]:
    """Score the whole span at once, then correct the position's two faults."""
    place, last = forecasts.place, forecasts.last_price
    move = forecasts.price / last - 1
    hats = _both(forecasts)
    # The claim's position rests on today's price and forecast and earns the next
    # return, where the next window belongs to the next session.
    follows = forecasts.origin[1:] == place[:-1]
    stale = {
        who: mechanism.positions(forecasts.price, hat)[follows]
        for who, hat in hats.items()
    }
    timely = {who: np.where(hat > last, 1.0, -1.0) for who, hat in hats.items()}
    long = {who: np.maximum(held, 0.0) for who, held in timely.items()}
    path = pd.DataFrame({"place": place, "price": forecasts.price, **hats})
    later = move[1:][follows], place[1:][follows]
    spans = (("span", stale, *later), ("timely", timely, move, place))
    return [
        Step(
            name=name,
            title=SPANNED[name],
            **_accuracy(forecasts),
            sharpe={who: mechanism.annualised(each) for who, each in returns.items()},
            path=path,
            returns=pd.DataFrame({"place": when, **returns}),
            is_dated=True,
        )
        for name, held, earned, when in (*spans, ("long", long, move, place))
        for returns in [{w: mechanism.net_returns(earned, held[w]) for w in hats}]
    ]


def _traded_steps(before: Step, honest: HonestBacktest) -> list[Step]:
    """Score the accounts of the study's own backtest."""
    return [
        replace(
            before,
            name=name,
            title=title,
            sharpe=honest.sharpe[name],
            returns=honest.returns[name],
        )
        for name, title in TRADED.items()
    ]


def _accuracy(forecasts: StepForecasts) -> dict[str, float]:
    part = forecasts.reported
    price, last = forecasts.price[part], forecasts.last_price[part]
    y_hat = _log_ratio(forecasts.network[part], last)
    made = ~np.isnan(y_hat)
    return {
        "r_squared": metrics.r_squared(price, forecasts.network[part]),
        "skill": metrics.skill(np.log(price / last)[made], y_hat[made]),
    }


def _both(forecasts: StepForecasts) -> dict[str, Numbers]:
    return {NETWORK: forecasts.network, CONSTANT: forecasts.constant}


def _log_ratio(price_hat: Numbers, last: Numbers) -> Numbers:
    return np.asarray(np.log(np.where(price_hat > 0, price_hat, np.nan) / last))
