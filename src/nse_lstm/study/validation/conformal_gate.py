"""The conformal gate: buy only where the interval's lower end clears the cost.

The variant was declared beside the two rules of the configuration and has a model name
of its own. Its intervals are split-conformal, from errors whose targets were known at
the origin. The gate receives the lower end where that is above 0, and 0 where only the
forecast is. So a position is held until the forecast itself turns negative.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.conformal import add_intervals
from nse_lstm.evaluation.strategies import HOLD, fold_bases, strategy_returns
from nse_lstm.evaluation.total_return import join_bases
from nse_lstm.evaluation.verdict import Judgement
from nse_lstm.features.returns import with_returns
from nse_lstm.study.core.verdict import judge_variant
from nse_lstm.study.validation.evidence import ERRORS, MISSES

BANDED = "_banded"
"""Ends the name of a model that is traded by its interval."""
RULE = "gate"


@dataclass(frozen=True)
class ConformalGate:
    """Walk-forward backtest of the variant, beside the gate that it varies."""

    forecasts: pd.DataFrame
    """``FORECASTS`` of the model, with its intervals."""
    returns: pd.DataFrame
    """``STRATEGY_RETURNS`` of the model, its variant and of buying and holding."""
    judgements: dict[str, Judgement]
    """By model, at the headline cost; without an audit or a deflated ratio."""


def backtest_conformal_gate(
    study: Study, joined: pd.DataFrame, panel: pd.DataFrame
) -> ConformalGate:
    """Backtest a model by the gate with and without its interval: two trials.

    Parameters
    ----------
    study : Study
        Its declared model is traded, at each of the backtest's costs.
    joined : DataFrame
        ``FORECASTS`` with ``y`` (``scoring.realised``) of the walk-forward years, one
        delay and a horizon of 1 of the model; the test year stays sealed.
    panel : DataFrame
        ``PANEL`` of the whole market, sealed.

    Returns
    -------
    ConformalGate
        Of the gate only, since a lower end above 0 is no sign.
    """
    model = study.verdict.model
    own = joined[joined["model"] == model]
    with_intervals = add_intervals(own, alpha=MISSES, window=ERRORS)
    both = pd.concat([with_intervals, banded(with_intervals)], ignore_index=True)
    returns = strategy_returns(both, panel, backtest=study.backtest)
    kept = returns[(returns["rule"] == RULE) | (returns["model"] == HOLD)]
    at_cost = kept[kept["cost_bps"] == study.backtest.headline_cost_bps]
    held = at_cost[at_cost["model"] == HOLD]
    bases = fold_bases(both, with_returns(panel), backtest=study.backtest)
    basis = join_bases(list(bases.values()))
    judgements = {
        name: judge_variant(study, at_cost[at_cost["model"] == name], held, basis=basis)
        for name in (model, model + BANDED)
    }
    return ConformalGate(with_intervals, kept.reset_index(drop=True), judgements)


def banded(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Turn forecasts with intervals into the forecasts that the gate trades on.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with ``lower``; one without an end enters nothing.

    Returns
    -------
    DataFrame
        ``FORECASTS`` under the model's name and ``BANDED``: ``y_hat`` is the lower end
        where that is above 0; 0, which the gate waits at, where only the forecast is;
        and the forecast itself below, which leaves.
    """
    lower = forecasts["lower"].fillna(-np.inf).clip(lower=0.0)
    y_hat = forecasts["y_hat"].where(~(forecasts["y_hat"] >= 0), lower)
    return forecasts.assign(model=forecasts["model"] + BANDED, y_hat=y_hat)
