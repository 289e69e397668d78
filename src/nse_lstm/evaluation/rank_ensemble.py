"""Rank ensemble: one forecast from the ranks of several models, per session."""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import TableError
from nse_lstm.tables import FORECASTS, conform

SESSION = ["fold", "origin", "delay", "horizon"]
ROW = ["ticker", *SESSION, "entry_date", "target_date"]
AIM = ["fold", "delay", "horizon"]
"""Each combination has ensemble weights of its own."""
PARTS = 10
"""Weights are multiples of 1 / ``PARTS``."""

Numbers = NDArray[np.float64]


def average_ranks(
    forecasts: pd.DataFrame,
    members: Sequence[str],
    *,
    name: str,
    weights: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Average the ranks that several models give the stocks of a session.

    The mean rank is converted to a return with the mean of the members' regression
    slopes of forecast on rank in that session.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``; several seeds of a member are averaged first.
    members : sequence of str
        Models. A row without a forecast of every member is left out.
    name : str
        Name of the ensemble's ``model``.
    weights : DataFrame, optional
        From ``fit_ensemble_weights``. Without them all members have the same weight.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of the ensemble with seed 0, without price and interval. Ties
        share the mean rank.

    Raises
    ------
    TableError
        If a member has no forecasts, or an ``AIM`` has no weights.

    References
    ----------
    .. [1] R. Clemen (1989). Combining forecasts: a review and annotated bibliography.
       International Journal of Forecasting 5(4), 559-583. (Equal weights.)
    """
    wide = _side_by_side(forecasts, members, ROW)
    session = [wide.index.get_level_values(level) for level in SESSION]
    rank, spread = _centred_ranks(wide), _centred(wide)
    share = _shares(wide, weights)
    # slope = sum(centred forecast * centred rank) / sum(centred rank ** 2)
    sums = [(a * rank).groupby(session).transform("sum") for a in (spread, rank)]
    # Where a member gives all stocks one forecast, its slope is 0.
    slopes = (sums[0] / sums[1].where(sums[1] > 0)).fillna(0.0)
    combined = (rank * share).sum(axis=1) * (slopes * share).sum(axis=1)
    y_hat = combined.rename("y_hat").reset_index()
    return _in_schema(y_hat.assign(model=name, seed=0))


def fit_ensemble_weights(joined: pd.DataFrame, members: Sequence[str]) -> pd.DataFrame:
    """Fit the ensemble weights of each fold on the walk-forward years before it.

    Of all weights in tenths that add up to 1, the best have the highest
    w'c / sqrt(w'Rw) on sessions whose targets lie before the fold: c is each member's
    mean rank correlation with the return, R the members' mean rank correlation matrix.
    That is the ensemble's rank IC, apart from ties and the spread of single sessions.
    Without such a session all weights are equal.

    Parameters
    ----------
    joined : DataFrame
        Forecasts with ``y`` (``scoring.realised``); several seeds of a member are
        averaged first.
    members : sequence of str
        Models.

    Returns
    -------
    DataFrame
        Weights indexed by ``AIM``, one column per member.

    Raises
    ------
    TableError
        If a member has no forecasts.

    References
    ----------
    .. [1] J. Bates and C. Granger (1969). The combination of forecasts. Operational
       Research Quarterly 20(4), 451-468.
    """
    every = _side_by_side(joined, members, ROW)
    known = _side_by_side(joined.dropna(subset="y"), members, [*ROW, "y"])
    sums = _agreement(known)
    aims = every.index.to_frame(index=False)[AIM].drop_duplicates().sort_values(AIM)
    rows = {}
    for fold, delay, horizon in aims.itertuples(index=False):
        start = pd.Timestamp(int(fold), 1, 1)
        aim = (sums["delay"] == delay) & (sums["horizon"] == horizon)
        past = sums.loc[aim & (sums["target_date"] < start), list(_pairs(members))]
        rows[fold, delay, horizon] = _best(past.mean(), members)
    index = pd.MultiIndex.from_tuples(rows, names=AIM)
    return pd.DataFrame(list(rows.values()), index=index, columns=list(members))


def mean_over_seeds(forecasts: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Average the forecasts of each model's seeds.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``.
    seed : int
        Value of the result's ``seed`` column.
    """
    means = forecasts.groupby(["model", *ROW])["y_hat"].mean().reset_index()
    return _in_schema(means.assign(seed=seed))


def _side_by_side(
    forecasts: pd.DataFrame, members: Sequence[str], row: list[str]
) -> pd.DataFrame:
    """Return one column per member, seeds averaged, where all have a forecast."""
    own = forecasts[forecasts["model"].isin(members)].dropna(subset="y_hat")
    if absent := set(members) - set(own["model"]):
        raise TableError(
            f"Expected forecasts of {', '.join(members)} for the ensemble. "
            f"Received: none of {', '.join(sorted(absent))}"
        )
    wide = own.pivot_table(index=row, columns="model", values="y_hat").dropna()
    return wide[list(members)]


def _centred(table: pd.DataFrame) -> pd.DataFrame:
    session = [table.index.get_level_values(level) for level in SESSION]
    return table - table.groupby(session).transform("mean")


def _centred_ranks(table: pd.DataFrame) -> pd.DataFrame:
    session = [table.index.get_level_values(level) for level in SESSION]
    return _centred(table.groupby(session).rank())


def _shares(wide: pd.DataFrame, weights: pd.DataFrame | None) -> Numbers:
    """Return each row's weights, (n_rows, n_members)."""
    if weights is None:
        return np.full(wide.shape, 1 / wide.shape[1])
    aims = wide.index.to_frame()[AIM]
    shares = weights[list(wide.columns)].reindex(pd.MultiIndex.from_frame(aims))
    if shares.isna().any(axis=None):
        raise TableError(
            "Expected weights of every fold, delay and horizon. Received: "
            f"none for {int(shares.isna().any(axis=1).sum())} of {len(shares)} rows"
        )
    return shares.to_numpy(float)


def _pairs(members: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each member with the return, then each pair of members."""
    yield from ((member, "y") for member in members)
    yield from combinations_with_replacement(members, 2)


def _agreement(known: pd.DataFrame) -> pd.DataFrame:
    """Return each session's rank correlations of ``_pairs``, and its last target."""
    came = known.index.get_level_values("y")
    ranks = _centred_ranks(known.assign(y=came))
    session = [ranks.index.get_level_values(level) for level in SESSION]
    length = (ranks**2).groupby(session).transform("sum") ** 0.5
    unit = ranks / length.where(length > 0)
    table = pd.DataFrame(
        {
            pair: (unit[pair[0]] * unit[pair[1]]).groupby(session).sum(min_count=2)
            for pair in _pairs(list(known.columns))
        }
    )
    ends = known.index.get_level_values("target_date").to_series().to_numpy()
    last = pd.Series(ends, index=ranks.index).groupby(session).max()
    table.columns = table.columns.to_flat_index()
    return table.assign(target_date=last).reset_index()


def _best(mean: "pd.Series[float]", members: Sequence[str]) -> Numbers:
    n = len(members)
    if mean.isna().any():
        return np.full(n, 1 / n)
    came = np.array([mean[member, "y"] for member in members])
    each = np.empty((n, n))
    for (i, one), (j, other) in combinations_with_replacement(enumerate(members), 2):
        each[i, j] = each[j, i] = mean[one, other]
    tenths = np.array(list(_simplex(n)), float) / PARTS
    # w'c / sqrt(w'Rw) of every weight vector w
    spread = np.sqrt(np.einsum("ki,ij,kj->k", tenths, each, tenths))
    return np.asarray(tenths[np.argmax(tenths @ came / spread)])


def _simplex(n: int) -> Iterator[tuple[int, ...]]:
    """Yield every split of ``PARTS`` among n, in order."""
    for cuts in combinations_with_replacement(range(PARTS + 1), n - 1):
        yield tuple(np.diff([0, *cuts, PARTS]))


def _in_schema(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(price_hat=np.nan, lower=np.nan, upper=np.nan)
    return conform(table, FORECASTS)
