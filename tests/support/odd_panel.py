"""A tiny panel with everything that features and targets must get right."""

import numpy as np
import pandas as pd
from conftest import make_tiny_panel

from nse_lstm.config import CrossSection
from nse_lstm.tables import PANEL, check

SMALL = CrossSection(size=2, liquidity_sessions=10, min_traded_share=0.5, purge=1)
STALE, GAP, IDLE = 20, 50, slice(30, 44)


def odd_panel(n_sessions: int = 60, *, seed: int = 0) -> pd.DataFrame:
    """Three shares: a stale session (CCC unmended), a split, a suspension, a gap.

    One range of AAA has no width, one price of BBB lies above its high, and AAA does
    not move at session 12.
    """
    panel = make_tiny_panel(n_sessions, seed=seed)
    place = panel.groupby("ticker").cumcount().to_numpy()
    ticker = panel["ticker"]
    is_stale = place == STALE
    panel["stale"] = is_stale
    panel["mended"] = is_stale & (ticker != "CCC")
    for column in ("volume", "low", "high"):
        before = panel[column].shift()
        panel.loc[is_stale, column] = before[is_stale]
    panel["gap"] = place == GAP
    generator = np.random.default_rng(seed)
    panel["low"] *= 1 - generator.uniform(0, 0.01, len(panel))
    flat = (ticker == "AAA") & (place == 9)
    for column in ("low", "high"):
        panel.loc[flat, column] = panel.loc[flat, "price"]
    still = (ticker == "AAA") & (place == 12)
    panel.loc[still, "price"] = panel["price"].shift()[still]
    above = (ticker == "BBB") & (place == 15)
    panel.loc[above, "high"] = panel.loc[above, "price"] * 0.995
    return check(panel, PANEL)
