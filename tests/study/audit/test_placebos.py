"""Directions are random, and the placebos' false-positive rate is as declared."""

from pathlib import Path

import numpy as np

from nse_lstm.study.audit.markets import write_random_market
from nse_lstm.study.audit.placebos import LEVEL, tail
from nse_lstm.study.audit.reference.rows import read_market


def test_random_directions_alarm_no_more_often_than_the_level() -> None:
    # P(|hits - 500| >= k) summed over both tails of 1,000 flips.
    p_values = [tail(hits, 1000) for hits in range(1001)]
    weights = np.exp(_log_binomial(1000))
    bound = LEVEL / 100
    assert sum(w for w, p in zip(weights, p_values, strict=True) if p < bound) <= bound
    assert tail(580, 1000) < 1e-6 < tail(570, 1000)


def _log_binomial(n: int) -> np.ndarray:
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return logs[n] - logs - logs[::-1] - n * np.log(2)


def test_directions_are_fair_and_every_price_moves(tmp_path: Path) -> None:
    write_random_market(tmp_path / "random", 5)
    market = read_market(tmp_path / "random")
    moves = np.concatenate(
        [
            np.diff([day.price for day in rows.values()])
            for rows in market.stocks.values()
        ]
    )
    assert (moves != 0).all()
    assert tail(int((moves > 0).sum()), len(moves)) > 1e-6
