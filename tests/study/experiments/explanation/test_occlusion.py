"""Hiding hurts a network that looks there, and no other."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import SMALL, odd_panel

from nse_lstm.config import Market, Study
from nse_lstm.errors import ConfigurationError
from nse_lstm.features.folds import make_folds
from nse_lstm.features.sequences import CHANNELS
from nse_lstm.models.bundles import Bundle
from nse_lstm.study.experiments.explanation import occlusion
from nse_lstm.study.experiments.explanation.occlusion import (
    EVERYTHING,
    Hidden,
    hide,
    occlude,
)
from nse_lstm.study.experiments.ranking_task import make_ranking_task
from nse_lstm.study.experiments.search_spaces import RankingTask

USED, UNUSED = "reversal_5", "volatility_20"
LOOKBACK, BACK = 4, 2
SECTION = replace(SMALL, size=3, horizons=(1, 5))
STUDY = Study(market=Market(name="simulated", label="a test"), cross_section=SECTION)


@pytest.fixture(scope="module")
def task() -> RankingTask:
    panel = odd_panel(420)
    task = make_ranking_task(panel, study=STUDY, folds=make_folds(2022, 1)[:-1])
    # A feature that knew the answer BACK sessions ago.
    answer = task.targets[1].set_index(["ticker", "origin"])["y_rank"]
    key = pd.MultiIndex.from_frame(task.features[["ticker", "session"]])
    known = pd.Series(answer.reindex(key).to_numpy(), task.features.index)
    shifted = known.groupby(task.features["ticker"]).shift(-BACK)
    return replace(task, features=task.features.assign(**{USED: shifted}))


def network(windows: Any) -> Any:
    """Give the feature of BACK sessions before the origin, for both horizons."""
    place = windows[-1 - BACK, CHANNELS.index(USED)]
    return np.stack([place, place])


@pytest.fixture(autouse=True)
def own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "network_of", lambda model, n_windows: model)


BUNDLE = cast(
    Bundle,
    SimpleNamespace(model=network, metadata={"lookback": LOOKBACK, "horizons": [1, 5]}),
)


def test_only_what_the_network_looks_at_costs_anything(task: RankingTask) -> None:
    found = occlude(task, [BUNDLE], features=(UNUSED, USED))
    table = found.set_index(["form", "what"])
    # Horizon 5 is ranked perfectly; without its feature no share is ordered.
    whole = table.loc[(EVERYTHING, "")]
    assert whole["loss"] > 0.5 and abs(whole["control"]) < 0.3
    everything = table.loc[("feature", USED), "loss"]
    assert everything == whole["loss"]
    assert table.loc[("lag", str(BACK)), "loss"] == everything
    assert table.loc[("older", "1"), "loss"] == everything
    # A control orders the shares at random before; after, no longer at all.
    assert abs(table.loc[("feature", USED), "control"]) < 0.3
    idle = [("feature", UNUSED), ("lag", "0"), ("lag", "3")]
    columns = ["loss", "error", "control", "control_error"]
    assert (table.loc[[*idle, ("older", "3")], columns] == 0).all(axis=None)


def test_a_lag_counts_back_from_the_origin() -> None:
    windows = np.ones((2, LOOKBACK, len(CHANNELS)), np.float32)

    def sessions(form: str, what: str) -> list[float]:
        seen = hide(windows, Hidden(form, what))
        assert (seen[:, :, -1] == 1).all()  # the flag is no feature
        return [float(value) for value in seen[0, :, 0]]

    assert sessions("lag", "0") == [1, 1, 1, 0]
    assert sessions("lag", "3") == [0, 1, 1, 1]
    assert sessions("older", "1") == [0, 0, 0, 1]
    assert (windows == 1).all()


def test_a_year_without_a_network_is_refused(task: RankingTask) -> None:
    with pytest.raises(ConfigurationError, match="0 networks for 1 folds"):
        occlude(task, [])
