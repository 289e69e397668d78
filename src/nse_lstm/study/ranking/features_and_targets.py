"""Features and targets of the models that forecast the cross-section."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets


@dataclass(frozen=True, eq=False)
class Tables:
    """Built from one panel, as far as it may be seen."""

    features: pd.DataFrame
    """``FEATURES``."""
    targets: tuple[pd.DataFrame, ...]
    """``TARGETS``, one table per pair of delay and horizon."""


def build_tables(
    panel: pd.DataFrame,
    *,
    study: Study,
    more_aims: Sequence[tuple[int, int]] = (),
) -> Tables:
    """Build the features and the targets of every horizon of the cross-section.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``, as far as it may be seen.
    study : Study
        Its cross-section, and the delay of its backtest.
    more_aims : sequence of (delay, horizon)
        More targets, placed after those of the horizons.
    """
    aims = [(study.backtest.delay, each) for each in study.cross_section.horizons]
    return Tables(
        features=build_features(panel, cross_section=study.cross_section),
        targets=tuple(
            build_targets(
                panel, cross_section=study.cross_section, delay=delay, horizon=horizon
            )
            for delay, horizon in [*aims, *more_aims]
        ),
    )
