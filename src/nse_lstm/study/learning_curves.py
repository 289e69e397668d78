"""Learning curves: how the rank IC grows with years and with shares trained on.

The years scored, their members and every feature stay the same; only what is trained on
is cut, to the last so many years before each scored one, or to so many shares, drawn
without regard to anything about them. It looks at walk-forward years: it describes what
data is worth, and nothing is chosen by it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.rank_ic import ALL_YEARS, daily_rank_ic, summarise_rank_ic
from nse_lstm.features.folds import Fold
from nse_lstm.study.ground import forecast_all
from nse_lstm.study.search_spaces import Ground

__all__ = ["EVERY_SHARE", "learning_curve", "with_shares", "with_years"]

EVERY_SHARE = 0
"""As a number of shares: all there are."""
Cut = tuple[str, int, int]
"""What is cut, how much is left, and which draw it is."""


def learning_curve(
    ground: Ground,
    models: Sequence[str],
    *,
    n_years: Sequence[int] = (),
    n_shares: Sequence[int] = (),
    n_draws: int = 1,
    progress: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Measure the rank IC by years trained on, and by shares trained on.

    Parameters
    ----------
    ground : Ground
        Its folds are the years scored.
    models : sequence of str
        As ``ground.forecast_all`` takes them.
    n_years : sequence of int
        Calendar years before each scored one, of all shares.
    n_shares : sequence of int
        Ordinary shares, of all years; ``EVERY_SHARE`` for all.
    n_draws : int
        Choices of the shares, whose rank ICs are averaged session by session. A larger
        number of shares holds those of a smaller one.
    progress : callable
        Is given one line a point.

    Returns
    -------
    DataFrame
        One row a cut ("years" or "shares"), number, model and horizon: ``value``,
        ``lower``, ``upper`` (95 %, after Newey and West, over sessions) and ``n``
        sessions. The interval is of the sessions' luck, not of the choice of shares.

    Raises
    ------
    ConfigurationError
        If a number is below 1 year or 0 shares.
    """
    if any(n < 1 for n in n_years) or any(n < 0 for n in n_shares) or n_draws < 1:
        raise ConfigurationError(
            "Expected 1 year, 0 shares and 1 draw at least. "
            f"Received: n_years={n_years}, n_shares={n_shares}, n_draws={n_draws}"
        )
    blocks = []
    for cut in _cuts(n_years, n_shares, n_draws):
        name, number, draw = cut
        forecasts = [
            forecast_all(_cut(ground, fold, cut), models, fold) for fold in ground.folds
        ]
        daily = daily_rank_ic(pd.concat(forecasts, ignore_index=True), ground.panel)
        progress(f"{name} {number or 'all'}, draw {draw + 1}")
        # The seed's column tells the draws apart: they are averaged like seeds.
        blocks.append(daily.assign(cut=name, number=number, seed=draw))
    table = pd.concat(blocks, ignore_index=True)
    rows = [
        summarise_rank_ic(own).assign(cut=str(name), number=cast(int, number))
        for (name, number), own in table.groupby(["cut", "number"], sort=False)
    ]
    summary = pd.concat(rows, ignore_index=True)
    columns = ["cut", "number", "model", "horizon", "value", "lower", "upper", "n"]
    return summary.loc[summary["fold"] == ALL_YEARS, columns].reset_index(drop=True)


def with_years(ground: Ground, fold: Fold, n_years: int) -> Ground:
    """Leave out everything before the last ``n_years`` calendar years of a fold."""
    first = fold.start - pd.DateOffset(years=n_years)
    targets = [own[own["origin"] >= first] for own in ground.targets]
    features = ground.features[ground.features["session"] >= first]
    return replace(ground, features=features, targets=tuple(targets))


def with_shares(ground: Ground, fold: Fold, n_shares: int, *, draw: int) -> Ground:
    """Leave out the returns before a fold of all but some shares.

    Their features stay: a network's windows reach back before the fold.
    """
    tickers = np.unique(ground.features["ticker"].astype(str))
    order = np.random.default_rng([ground.study.seed, draw]).permutation(len(tickers))
    chosen = tickers[order[: n_shares or None]]
    targets = [
        own[own["ticker"].isin(chosen) | (own["origin"] >= fold.start)]
        for own in ground.targets
    ]
    return replace(ground, targets=tuple(targets))


def _cuts(
    n_years: Sequence[int], n_shares: Sequence[int], n_draws: int
) -> Iterator[Cut]:
    yield from (("years", number, 0) for number in n_years)
    for number in n_shares:
        draws = n_draws if number else 1
        yield from (("shares", number, draw) for draw in range(draws))


def _cut(ground: Ground, fold: Fold, cut: Cut) -> Ground:
    name, number, draw = cut
    if name == "years":
        return with_years(ground, fold, number)
    return with_shares(ground, fold, number, draw=draw)
