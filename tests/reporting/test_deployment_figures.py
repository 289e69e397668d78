"""The figures of Phase 5 show every row they are given, and no more."""

import numpy as np
import pandas as pd

from nse_lstm.reporting.deployment_figures import (
    draw_alarms,
    draw_evidence,
    draw_next,
)

DAYS = pd.bdate_range("2024-01-01", periods=4)


def test_evidence_is_a_line_a_test_and_never_below_the_axis():
    tests = pd.DataFrame(
        {
            "test": ["ar1", "ar1", "v2", "v2"],
            "session": DAYS[[0, 1, 0, 1]],
            "evidence": [1.0, 30.0, 0.5, 1e-9],
        }
    )
    axes = draw_evidence(tests).axes[0]
    lines = [line.get_ydata() for line in axes.lines[:2]]
    assert [list(line) for line in lines] == [[1.0, 30.0], [0.5, 1e-3]]


def test_every_alarm_has_its_mark_and_every_silent_series_its_line():
    alerts = pd.DataFrame(
        {
            "session": DAYS[:3],
            "ticker": ["AAA", "AAA", "BBB"],
            "model": ["data", "v2", "v2"],
            "alarm": ["faults", "loss", "loss"],
        }
    )
    watched = pd.DataFrame(
        {"ticker": ["AAA", "AAA", "BBB", "CCC"], "model": ["data", "v2", "v2", "v2"]}
    )
    axes = draw_alarms(alerts, watched).axes[0]
    assert len(axes.get_yticklabels()) == len(watched)
    assert sum(len(line.get_xdata()) for line in axes.lines) == len(alerts)
    silent = draw_alarms(alerts[:0], watched).axes[0]
    assert sum(len(line.get_xdata()) for line in silent.lines) == 0


def test_an_open_band_is_not_drawn():
    rows = pd.DataFrame(
        {
            "ticker": ["AAA", "BBB"],
            "stage": "champion",
            "model": ["v2", "persistence"],
            "y_hat": [0.01, 0.0],
            "lower": [-0.02, -np.inf],
            "upper": [0.04, np.inf],
        }
    )
    axes = draw_next(rows).axes[0]
    bands = [line for line in axes.lines if len(line.get_xdata()) == 2]
    drawn = [list(line.get_xdata()) for line in bands]
    assert [-0.02, 0.04] in drawn
    assert all(np.isfinite(np.asarray(band, float)).all() for band in drawn)
