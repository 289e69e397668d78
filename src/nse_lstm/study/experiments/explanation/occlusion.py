"""Measure occlusion: the rank IC that the rank LSTM loses without a feature or session.

A feature of the whole window, or a session of it, is set to the cross-section's middle,
and the network is not fitted again. The loss of rank IC is its contribution. The
control hands the changed forecasts to random stocks of the session, so its loss is
noise. The networks are those of the walk-forward years. The result describes them, and
no choice depends on it.

References
----------
.. [1] M. Zeiler and R. Fergus (2014). Visualizing and understanding convolutional
   networks. ECCV. (Occlusion.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import Fold
from nse_lstm.features.sequences import CHANNELS, lay_out
from nse_lstm.models.bundles import Bundle
from nse_lstm.models.inference import network_of
from nse_lstm.study.experiments.explanation.permutation import error_by_month
from nse_lstm.study.experiments.search_spaces import RankingTask
from nse_lstm.tables import RANKED_FEATURES

FORMS = ("feature", "lag", "older")
"""A feature in all sessions, one session of the window, or it and all before it."""
EVERYTHING = "everything"
"""The form that hides all inputs, which loses the whole rank IC."""
BATCH = 512
WHOLE = "whole"
CONTROL = "|control"

Numbers = NDArray[np.float32]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Hidden:
    """One input that is hidden from a network."""

    form: str
    """One of ``FORMS``."""
    what: str
    """A feature, or a number of sessions before the origin."""

    @property
    def name(self) -> str:
        """Return form and input as one word."""
        return f"{self.form}:{self.what}"


def occlude(
    task: RankingTask,
    bundles: Sequence[Bundle],
    *,
    features: Sequence[str] = RANKED_FEATURES,
    seed: int = 1,
    n_draws: int = 3,
) -> pd.DataFrame:
    """Measure the loss of the rank LSTM's rank IC for each hidden feature and session.

    Parameters
    ----------
    task : RankingTask
        Its folds are the scored years.
    bundles : sequence of Bundle
        One network of ``rank_lstm_job`` per fold, in their order.
    features : sequence of str
        Features to hide, among ``RANKED_FEATURES``.
    seed : int
        Seed of the control.
    n_draws : int
        Random assignments of the control, averaged per session.

    Returns
    -------
    DataFrame
        One row per form and feature or session: ``form``, ``what``, ``loss`` and
        ``control`` (mean rank IC lost over years, horizons and sessions), and their
        standard errors ``error`` and ``control_error`` with months as observations.
        The first row's form is ``EVERYTHING``, whose loss is the rank IC itself.

    Raises
    ------
    ConfigurationError
        If networks and folds differ in number, or a feature is unknown.
    """
    if len(bundles) != len(task.folds) or (set(features) - set(RANKED_FEATURES)):
        raise ConfigurationError(
            "Expected a network for each of the folds and features of "
            f"RANKED_FEATURES. Received: {len(bundles)} networks for "
            f"{len(task.folds)} folds, features {list(features)}"
        )
    blocks = [
        _fold_ics(task, bundle, fold, features, [[seed, n] for n in range(n_draws)])
        for fold, bundle in zip(task.folds, bundles, strict=True)
    ]
    key = ["model", "fold", "horizon", "origin"]
    everything = list(_everything(features, int(bundles[0].metadata["lookback"])))
    names = [WHOLE, *(hidden.name for hidden in everything)]
    ics = pd.concat(blocks).groupby(key)["rank_ic"].mean().unstack("model")
    ics = ics.reindex(columns=[*names, *(name + CONTROL for name in names)])
    # Equal forecasts cannot be ranked: their rank IC is 0.
    ics = ics[ics[WHOLE].notna()].fillna(0.0)
    rows = [_row(EVERYTHING, "", ics[WHOLE], ics[WHOLE + CONTROL])]
    for hidden in everything:
        loss = ics[WHOLE] - ics[hidden.name]
        control = ics[WHOLE + CONTROL] - ics[hidden.name + CONTROL]
        rows.append(_row(hidden.form, hidden.what, loss, control))
    return pd.DataFrame(rows)


def _row(
    form: str, what: str, loss: "pd.Series[float]", control: "pd.Series[float]"
) -> dict[str, str | float]:
    return {
        "form": form,
        "what": what,
        "loss": float(loss.mean()),
        "error": error_by_month(loss),
        "control": float(control.mean()),
        "control_error": error_by_month(control),
    }


def hide(windows: Numbers, hidden: Hidden) -> Numbers:
    """Return a copy of windows in which one input is set to 0.

    Parameters
    ----------
    windows : array of shape (n, lookback, n_channels)
        As ``features.sequences`` lays them out.
    hidden : Hidden

    Returns
    -------
    array of shape (n, lookback, n_channels)
        The flag of sessions without a signal stays, because it is not a feature.
    """
    seen = windows.copy()
    n_features = len(RANKED_FEATURES)
    if hidden.form in ("lag", "older"):
        newest = windows.shape[1] - int(hidden.what)
        first = 0 if hidden.form == "older" else newest - 1
        seen[:, first:newest, :n_features] = 0.0
        return seen
    seen[:, :, CHANNELS.index(hidden.what)] = 0.0
    return seen


def _everything(features: Sequence[str], lookback: int) -> Iterator[Hidden]:
    yield from (Hidden("feature", feature) for feature in features)
    # Lag 0 is the origin itself.
    yield from (Hidden("lag", str(back)) for back in range(lookback))
    yield from (Hidden("older", str(back)) for back in range(1, lookback))


def _fold_ics(
    task: RankingTask,
    bundle: Bundle,
    fold: Fold,
    features: Sequence[str],
    seeds: Sequence[Sequence[int]],
) -> pd.DataFrame:
    """Score a year's forecasts with each input hidden and with none; ``RANK_IC``."""
    rows = _members(task.features, fold)
    lookback = int(bundle.metadata["lookback"])
    windows = _windows(task.features, rows, fold, lookback)
    orders = [
        _within_sessions(rows["origin"], np.random.default_rng([*seed, fold.year]))
        for seed in seeds
    ]
    own = pd.concat(
        [targets.merge(rows, on=["ticker", "origin"]) for targets in task.targets],
        ignore_index=True,
    ).assign(fold=fold.year)
    cells = pd.MultiIndex.from_frame(rows)
    row = cells.get_indexer(pd.MultiIndex.from_frame(own[["ticker", "origin"]]))
    horizons = list(bundle.metadata["horizons"])
    column = np.array([horizons.index(horizon) for horizon in own["horizon"]])
    whole = (WHOLE, windows)
    hidden = (
        (one.name, hide(windows, one))
        for one in _everything(features, windows.shape[1])
    )
    blocks = []
    for name, seen in chain([whole], hidden):
        ranks = _apply(bundle, seen)
        y_hat = ranks[row, column]
        blocks.append(own.assign(model=name, seed=0, y_hat=y_hat))
        for draw, order in enumerate(orders):
            y_hat = ranks[order][row, column]
            blocks.append(own.assign(model=name + CONTROL, seed=draw, y_hat=y_hat))
    return daily_rank_ic(pd.concat(blocks, ignore_index=True), task.panel)


def _members(features: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Return ``ticker origin`` of the year's usable members."""
    inside = (features["session"] >= fold.start) & (features["session"] < fold.end)
    chosen = features[inside & features["usable"] & features["member"]]
    rows = chosen[["ticker", "session"]].rename(columns={"session": "origin"})
    return rows.reset_index(drop=True)


def _apply(bundle: Bundle, windows: Numbers) -> Numbers:
    """Return the network's outputs of shape (n, n_horizons)."""
    n = len(windows)
    # The last batch is filled up with the first windows.
    places = np.arange(n + -n % BATCH) % n
    network = network_of(bundle.model, n_windows=BATCH)
    parts = [
        # The network writes its output to the same memory on every call.
        network(windows[rows].transpose(1, 2, 0)).T.copy()
        for rows in places.reshape(-1, BATCH)
    ]
    return np.concatenate(parts)[:n]


def _windows(
    features: pd.DataFrame, rows: pd.DataFrame, fold: Fold, lookback: int
) -> Numbers:
    """Copy out the windows that end at the rows' origins, oldest session first."""
    seen = features[features["session"] < fold.end]
    sequences = lay_out(seen, lookback=lookback)
    last = sequences.last(rows["ticker"], rows["origin"])
    return sequences.table[last[:, None] + np.arange(1 - lookback, 1)]


def _within_sessions(
    origins: "pd.Series[pd.Timestamp]", generator: np.random.Generator
) -> Places:
    """Return a random permutation of rows within each session."""
    session = origins.to_numpy()
    order = generator.random(len(session))
    drawn = np.lexsort((order, session))
    others = np.empty(len(session), np.intp)
    others[np.argsort(session, kind="stable")] = drawn
    return others
