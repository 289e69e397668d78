"""What the fitted networks of the rank LSTM look at: features and sessions of the window hidden.

A feature of the whole window, or a session of it, is put to the cross-section's middle;
the network is not fitted again. What the rank IC loses is what the ranking owes to it.
The control is the same change of the forecasts, handed to the shares at random, a few
times over: it can owe nothing. It looks at
walk-forward years with the networks that were made for them: a description of what was
fitted, from which nothing is chosen.

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
"""A feature of all sessions; a session of the window; it and all before it."""
EVERYTHING = "everything"
"""In place of a form: no share is told apart, and the whole rank IC is lost."""
BATCH = 512
WHOLE = "whole"
CONTROL = "|control"

Numbers = NDArray[np.float32]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Hidden:
    """One thing that is hidden from a network."""

    form: str
    """Of ``FORMS``."""
    what: str
    """A feature, or how many sessions before the origin."""

    @property
    def name(self) -> str:
        """Name it in one word."""
        return f"{self.form}:{self.what}"


def occlude(
    ground: RankingTask,
    bundles: Sequence[Bundle],
    *,
    features: Sequence[str] = RANKED_FEATURES,
    seed: int = 1,
    n_draws: int = 3,
) -> pd.DataFrame:
    """Measure what each feature and each session of the window adds to the rank LSTM's rank IC.

    Parameters
    ----------
    ground : Ground
        Its folds are the years scored.
    bundles : sequence of Bundle
        One network of ``rank_lstm_job`` for each fold, in their order.
    features : sequence of str
        Those to hide, of ``RANKED_FEATURES``.
    seed : int
        Of the control.
    n_draws : int
        Ways to hand the control's forecasts to the shares, averaged session by session.

    Returns
    -------
    DataFrame
        One row a form and feature or session: ``form``, ``what``, ``loss`` and
        ``control`` (mean rank IC lost over all years, horizons and sessions), and their
        errors ``error`` and ``control_error``, a month being one observation. The first
        row's form is ``EVERYTHING``: its loss is the rank IC itself.

    Raises
    ------
    ConfigurationError
        If there are not as many networks as folds, or a feature is none of the rank
        LSTM's.
    """
    if len(bundles) != len(ground.folds) or (set(features) - set(RANKED_FEATURES)):
        raise ConfigurationError(
            "Expected a network for each of the folds and features of "
            f"RANKED_FEATURES. Received: {len(bundles)} networks for "
            f"{len(ground.folds)} folds, features {list(features)}"
        )
    blocks = [
        _fold_ics(ground, bundle, fold, features, [[seed, n] for n in range(n_draws)])
        for fold, bundle in zip(ground.folds, bundles, strict=True)
    ]
    key = ["model", "fold", "horizon", "origin"]
    everything = list(_everything(features, int(bundles[0].metadata["lookback"])))
    names = [WHOLE, *(hidden.name for hidden in everything)]
    ics = pd.concat(blocks).groupby(key)["rank_ic"].mean().unstack("model")
    ics = ics.reindex(columns=[*names, *(name + CONTROL for name in names)])
    # Shares that are no longer told apart are not ranked: nothing is left to lose.
    ics = ics[ics[WHOLE].notna()].fillna(0.0)
    rows = [_row(EVERYTHING, "", ics[WHOLE], ics[WHOLE + CONTROL])]
    for hidden in everything:
        loss = ics[WHOLE] - ics[hidden.name]
        luck = ics[WHOLE + CONTROL] - ics[hidden.name + CONTROL]
        rows.append(_row(hidden.form, hidden.what, loss, luck))
    return pd.DataFrame(rows)


def _row(
    form: str, what: str, loss: "pd.Series[float]", luck: "pd.Series[float]"
) -> dict[str, str | float]:
    return {
        "form": form,
        "what": what,
        "loss": float(loss.mean()),
        "error": error_by_month(loss),
        "control": float(luck.mean()),
        "control_error": error_by_month(luck),
    }


def hide(windows: Numbers, hidden: Hidden) -> Numbers:
    """Return windows in which one thing cannot be seen.

    Parameters
    ----------
    windows : array of shape (n, lookback, n_channels)
        As ``features.sequences`` lays them out; they are left as they are.
    hidden : Hidden

    Returns
    -------
    array of shape (n, lookback, n_channels)
        The flag of sessions without a signal stays: it is no feature.
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
    # A session back 0 is the origin itself.
    yield from (Hidden("lag", str(back)) for back in range(lookback))
    yield from (Hidden("older", str(back)) for back in range(1, lookback))


def _fold_ics(
    ground: RankingTask,
    bundle: Bundle,
    fold: Fold,
    features: Sequence[str],
    seeds: Sequence[Sequence[int]],
) -> pd.DataFrame:
    """Score a year's forecasts with nothing and with each thing hidden; ``RANK_IC``."""
    rows = _members(ground.features, fold)
    lookback = int(bundle.metadata["lookback"])
    windows = _windows(ground.features, rows, fold, lookback)
    deals = [
        _within_sessions(rows["origin"], np.random.default_rng([*seed, fold.year]))
        for seed in seeds
    ]
    own = pd.concat(
        [targets.merge(rows, on=["ticker", "origin"]) for targets in ground.targets],
        ignore_index=True,
    ).assign(fold=fold.year)
    cells = pd.MultiIndex.from_frame(rows)
    place = cells.get_indexer(pd.MultiIndex.from_frame(own[["ticker", "origin"]]))
    horizons = list(bundle.metadata["horizons"])
    column = np.array([horizons.index(horizon) for horizon in own["horizon"]])
    whole = (WHOLE, windows)
    hidden = (
        (one.name, hide(windows, one))
        for one in _everything(features, windows.shape[1])
    )
    blocks = []
    for name, seen in chain([whole], hidden):
        places = _apply(bundle, seen)
        y_hat = places[place, column]
        blocks.append(own.assign(model=name, seed=0, y_hat=y_hat))
        for draw, dealt in enumerate(deals):
            y_hat = places[dealt][place, column]
            blocks.append(own.assign(model=name + CONTROL, seed=draw, y_hat=y_hat))
    return daily_rank_ic(pd.concat(blocks, ignore_index=True), ground.panel)


def _members(features: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Return ``ticker origin`` of the year's usable members."""
    inside = (features["session"] >= fold.start) & (features["session"] < fold.end)
    chosen = features[inside & features["usable"] & features["member"]]
    rows = chosen[["ticker", "session"]].rename(columns={"session": "origin"})
    return rows.reset_index(drop=True)


def _apply(bundle: Bundle, windows: Numbers) -> Numbers:
    """Return the network's outputs, the last batch filled up."""
    n = len(windows)
    places = np.arange(n + -n % BATCH) % n
    network = network_of(bundle.model, n_windows=BATCH)
    parts = [
        # The network writes to the same memory on every call.
        network(windows[rows].transpose(1, 2, 0)).T.copy()
        for rows in places.reshape(-1, BATCH)
    ]
    return np.concatenate(parts)[:n]


def _windows(
    features: pd.DataFrame, rows: pd.DataFrame, fold: Fold, lookback: int
) -> Numbers:
    """Copy out the windows that end at some shares' origins, oldest session first."""
    seen = features[features["session"] < fold.end]
    sequences = lay_out(seen, lookback=lookback)
    last = sequences.last(rows["ticker"], rows["origin"])
    return sequences.table[last[:, None] + np.arange(1 - lookback, 1)]


def _within_sessions(
    origins: "pd.Series[pd.Timestamp]", generator: np.random.Generator
) -> Places:
    """Return for each row one of the same session, every row once."""
    session = origins.to_numpy()
    luck = generator.random(len(session))
    drawn = np.lexsort((luck, session))
    others = np.empty(len(session), np.intp)
    others[np.argsort(session, kind="stable")] = drawn
    return others
