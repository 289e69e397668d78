"""Statistical tests of the forecasts: each against persistence, and all together.

A session is one observation in every test: stocks are averaged by date before a mean is
divided by its standard error. The tests of single stocks have Holm's correction for
their number.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap

from nse_lstm.config import Verdict
from nse_lstm.evaluation.comparison import (
    NAIVE,
    Comparison,
    adjusted_difference,
    diebold_mariano,
    holm,
    losses_by_date,
    mean_test,
)
from nse_lstm.evaluation.direction import direction_by_date
from nse_lstm.evaluation.metrics import expanding_mean
from nse_lstm.evaluation.multiple_comparison import (
    model_confidence_set,
    romano_wolf_stepm,
    spa_test,
)
from nse_lstm.evaluation.price_averaging import artefact_share
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.features.returns import with_returns

ALL_MODELS = "all"
"""The ``model`` of a test of all models together."""

HISTORICAL_MEAN = "historical mean"
"""Campbell and Thompson's benchmark: each stock's mean return known at the origin."""

BETTER, WORSE = f"more accurate than {NAIVE}", f"less accurate than {NAIVE}"
"""Sentences of the Diebold-Mariano tests, which pages count."""
IN_SET = "may be the best model"
"""Sentence of a model in the model confidence set."""


@dataclass(frozen=True)
class EvidenceRow:
    """One row of ``EVIDENCE``; numbers that are not given are missing."""

    test: str
    model: str
    _: KW_ONLY
    says: str
    """The result in words."""
    method: str
    """How it was computed, in words."""
    n: int
    """Observations."""
    against: str = NAIVE
    ticker: str = POOL
    statistic: float = float("nan")
    p_value: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")


def with_historical_mean(joined: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Add each stock's historical mean return as a benchmark forecast.

    Parameters
    ----------
    joined : DataFrame
        Forecasts of one delay and horizon.
    panel : DataFrame
        ``PANEL``, from as early as returns are known.

    Returns
    -------
    DataFrame
        With ``historical_mean``: the mean log return of the sessions up to the origin,
        times the horizon; missing where the target's own return is.
    """
    ahead = int(joined["delay"].iloc[0] + joined["horizon"].iloc[0])
    known = with_returns(panel).dropna(subset="log_return")
    mean = known.groupby("ticker")["log_return"].transform(
        lambda returns: expanding_mean(returns.to_numpy(), lag=ahead)
    )
    mean.index = pd.MultiIndex.from_frame(known[["ticker", "session"]])
    aimed = pd.MultiIndex.from_frame(joined[["ticker", "target_date"]])
    found = mean.reindex(aimed).to_numpy()
    return joined.assign(historical_mean=found * joined["horizon"])


def forecast_evidence(
    joined: pd.DataFrame, *, verdict: Verdict, seed: int
) -> Iterator[EvidenceRow]:
    """Yield the tests of the forecasts as rows of ``EVIDENCE``.

    Parameters
    ----------
    joined : DataFrame
        Forecasts with ``y``, all of one delay and horizon, ``with_historical_mean``.
    verdict : Verdict
        Confidence, and repetitions and mean block of every bootstrap.
    seed : int
        Of the bootstraps.
    """
    known = joined.dropna(subset="y")
    ahead = int(known["delay"].iloc[0] + known["horizon"].iloc[0])
    for model, rows in _forecasters(known):
        usable = rows.dropna(subset="y_hat")
        benchmarks = {NAIVE: pd.Series(0.0, index=usable.index)}
        benchmarks[HISTORICAL_MEAN] = usable["historical_mean"]
        for against, benchmark in benchmarks.items():
            yield _r_squared(
                "out-of-sample R²",
                model,
                usable.assign(benchmark=benchmark).dropna(subset="benchmark"),
                against=against,
                verdict=verdict,
                seed=seed,
            )
        yield _diebold_mariano(model, rows, ahead, verdict)
        yield _clark_west(model, usable, ahead, verdict)
        yield _direction(model, usable, ahead, verdict)
        yield from _stock_by_stock(model, rows, ahead, verdict)
    yield from _together(known, verdict=verdict, seed=seed)


def averaging_evidence(
    both: pd.DataFrame, *, verdict: Verdict, seed: int
) -> Iterator[EvidenceRow]:
    """Yield the tests of the accuracy left one session later as rows of ``EVIDENCE``.

    Parameters
    ----------
    both : DataFrame
        Of all models, from ``price_averaging.with_delayed_return``.
    verdict, seed
        As for ``forecast_evidence``.
    """
    for model, rows in _forecasters(both):
        yield _r_squared(
            "out-of-sample R², a session later",
            model,
            rows.assign(y=rows["y_later"], benchmark=0.0),
            against=NAIVE,
            verdict=verdict,
            seed=seed,
        )
        yield _artefact(model, rows, verdict=verdict, seed=seed)


def _forecasters(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each model with a forecast other than 0."""
    for model, own in rows.groupby("model"):
        if model != NAIVE and own["y_hat"].fillna(0.0).any():
            yield str(model), own


def _artefact(
    model: str, rows: pd.DataFrame, *, verdict: Verdict, seed: int
) -> EvidenceRow:
    found = artefact_share(rows, verdict=verdict, seed=seed)
    return EvidenceRow(
        "artefact of averaged prices",
        model,
        against="a session later",
        statistic=found.share,
        lower=found.lower,
        upper=found.upper,
        n=found.n,
        says="no significant gain to divide"
        if np.isnan(found.share)
        else f"{found.share:.0%} of its gain is lost one session later, when a trade "
        "is possible",
        method="1 - later gain / gain, a gain being the mean of forecast times return "
        "by date; stationary bootstrap of dates, mean block "
        f"{verdict.bootstrap_block}, {verdict.bootstrap_reps} times",
    )


def _r_squared(
    test: str,
    model: str,
    rows: pd.DataFrame,
    *,
    against: str,
    verdict: Verdict,
    seed: int,
) -> EvidenceRow:
    """Out-of-sample R² of all stocks against the column ``benchmark``."""
    squares = pd.DataFrame(
        {
            "own": (rows["y"] - rows["y_hat"]) ** 2,
            "other": (rows["y"] - rows["benchmark"]) ** 2,
        }
    )
    sums = squares.groupby(rows["target_date"]).sum().sort_index().to_numpy()
    share = lower = upper = float("nan")
    if sums[:, 1].any():
        # R² = 1 - SSE of the model / SSE of the benchmark
        share = float(1 - sums[:, 0].sum() / sums[:, 1].sum())
        lower, upper = _interval(sums, verdict, seed)
    return EvidenceRow(
        test,
        model,
        against=against,
        statistic=share,
        lower=lower,
        upper=upper,
        n=len(sums),
        says=_compared(lower, upper, against),
        method="log returns of all stocks; stationary bootstrap of dates, mean block "
        f"{verdict.bootstrap_block}, {verdict.bootstrap_reps} times",
    )


def _interval(
    sums: np.ndarray[Any, Any], verdict: Verdict, seed: int
) -> tuple[float, float]:
    bootstrap = StationaryBootstrap(verdict.bootstrap_block, sums, seed=seed)
    totals = bootstrap.apply(lambda days: days.sum(axis=0), verdict.bootstrap_reps)
    tail = (1 - verdict.confidence) / 2
    kept = totals[totals[:, 1] > 0]
    lower, upper = np.quantile(1 - kept[:, 0] / kept[:, 1], [tail, 1 - tail])
    return float(lower), float(upper)


def _diebold_mariano(
    model: str, rows: pd.DataFrame, ahead: int, verdict: Verdict
) -> EvidenceRow:
    losses = losses_by_date(rows)
    found = diebold_mariano(losses[model], losses[NAIVE], ahead=ahead)
    return EvidenceRow(
        "Diebold-Mariano",
        model,
        **_numbers(found),
        says=_decided(found, verdict, BETTER, WORSE),
        method=f"squared errors, mean over stocks by date; {found.kernel} kernel over "
        f"{ahead - 1} lags, Harvey-Leybourne-Newbold, two-sided; below 0 is better",
    )


def _clark_west(
    model: str, rows: pd.DataFrame, ahead: int, verdict: Verdict
) -> EvidenceRow:
    adjusted = pd.Series(
        adjusted_difference(rows["y"], rows["y_hat"]), index=rows.index
    )
    by_date = adjusted.groupby(rows["target_date"]).mean().sort_index()
    found = mean_test(by_date, ahead=ahead, alternative="greater")
    return EvidenceRow(
        "Clark-West",
        model,
        **_numbers(found),
        says=_decided(found, verdict, "its forecasts have predictive content", ""),
        method="adjusted squared errors, mean over stocks by date; Bartlett kernel "
        f"over {ahead - 1} lags, one-sided; nested in spirit only",
    )


def _direction(
    model: str, rows: pd.DataFrame, ahead: int, verdict: Verdict
) -> EvidenceRow:
    found = direction_by_date(rows, ahead=ahead)
    return EvidenceRow(
        "direction",
        model,
        **_numbers(found),
        says=_decided(found, verdict, "predicts the direction better than chance", ""),
        method="Pesaran-Timmermann's covariance of signs, no move a sign of its own, "
        f"mean over stocks by date; Bartlett kernel over {ahead - 1} lags, one-sided",
    )


def _stock_by_stock(
    model: str, rows: pd.DataFrame, ahead: int, verdict: Verdict
) -> Iterator[EvidenceRow]:
    found = {
        str(ticker): diebold_mariano(losses[model], losses[NAIVE], ahead=ahead)
        for ticker, block in rows.groupby("ticker")
        if block["y_hat"].notna().sum() > ahead
        for losses in [losses_by_date(block)]
        if len(losses) > ahead
    }
    raw = pd.Series(
        {ticker: test.p_value for ticker, test in found.items()}, dtype=float
    )
    adjusted = holm(raw)
    for ticker, test in found.items():
        numbers = _numbers(test) | {"p_value": adjusted[ticker]}
        decided = Comparison(**asdict(test) | {"p_value": adjusted[ticker]})
        yield EvidenceRow(
            "Diebold-Mariano, Holm",
            model,
            ticker=ticker,
            **numbers,
            says=_decided(decided, verdict, BETTER, WORSE),
            method=f"squared errors of one stock; {test.kernel} kernel over "
            f"{ahead - 1} lags, Harvey-Leybourne-Newbold, two-sided; Holm over "
            f"{int(raw.notna().sum())} stocks",
        )


def _together(
    known: pd.DataFrame, *, verdict: Verdict, seed: int
) -> Iterator[EvidenceRow]:
    losses = losses_by_date(known)
    if (losses.rsub(losses[NAIVE], axis=0) == 0).all(axis=None):
        return  # nothing but persistence to compare
    block, reps = verdict.bootstrap_block, verdict.bootstrap_reps
    size = 1 - verdict.confidence
    bootstrap: dict[str, Any] = {"block": block, "reps": reps, "seed": seed}
    how = (
        "squared errors by date, those that every model forecast; stationary "
        f"bootstrap, mean block {block}, {reps} times"
    )
    yield _superior(losses, size, bootstrap, how)
    yield _stepwise(losses, size, bootstrap, how)
    found = model_confidence_set(losses, size=size, **bootstrap)
    for model, p_value, included in found.itertuples(index=False):
        yield EvidenceRow(
            "model confidence set",
            model,
            against=ALL_MODELS,
            p_value=p_value,
            n=len(losses),
            says=IN_SET if included else "is not the best model",
            method=f"method R, {verdict.confidence:.0%}; {how}",
        )


def _superior(
    losses: pd.DataFrame, size: float, bootstrap: dict[str, Any], how: str
) -> EvidenceRow:
    found = spa_test(losses, benchmark=NAIVE, size=size, **bootstrap)
    return EvidenceRow(
        "superior predictive ability",
        ALL_MODELS,
        p_value=found.consistent,
        lower=found.lower,
        upper=found.upper,
        n=len(losses),
        says="at least one model beats persistence, adjusted for the number of models"
        if found.consistent <= size
        else "no model beats persistence significantly, adjusted for their number",
        method=f"Hansen's consistent p-value, its bounds beside it, studentised; {how}",
    )


def _stepwise(
    losses: pd.DataFrame, size: float, bootstrap: dict[str, Any], how: str
) -> EvidenceRow:
    chosen = romano_wolf_stepm(losses, benchmark=NAIVE, size=size, **bootstrap)
    return EvidenceRow(
        "stepwise superior",
        ALL_MODELS,
        statistic=float(len(chosen)),
        n=len(losses),
        says=f"better than persistence: {', '.join(chosen) or 'none'}",
        method=f"Romano-Wolf steps of the studentised differences; {how}",
    )


def _numbers(found: Comparison) -> dict[str, Any]:
    return {"statistic": found.statistic, "p_value": found.p_value, "n": found.n}


def _decided(found: Comparison, verdict: Verdict, better: str, worse: str) -> str:
    """Return a test's result in words: ``worse``, if given, where it is above 0."""
    if not found.p_value <= 1 - verdict.confidence:  # NaN is not significant
        return "not statistically significant"
    return worse if worse and found.statistic > 0 else better


def _compared(lower: float, upper: float, against: str) -> str:
    """Return a comparison in words from the interval of the out-of-sample R²."""
    if lower > 0:
        return f"more accurate than {against}"
    if upper < 0:
        return f"less accurate than {against}"
    return f"not significantly different from {against}"
