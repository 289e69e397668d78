"""The mechanism behind the claimed number, by hand and on the exchange's files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.places import REAL_FILES
from support.raw_files import Row, write_folder, write_rows

from nse_lstm.errors import DataError, StudyError
from nse_lstm.study.anatomy import mechanism
from nse_lstm.study.anatomy.claimed_rows import (
    numbered_windows,
    read_claimed_rows,
    same_year_share,
    sort_rows,
    to_next_session,
)

LOOKBACK = 60
EVER = pd.Timestamp(2100, 1, 1)
TEXTS = ["02-Jan-13", "01-Apr-13", "01-Aug-13", "01-Apr-14"]
ROWS = pd.DataFrame(
    {
        "date": TEXTS,
        "session": pd.to_datetime(
            ["2013-01-02", "2013-04-01", "2013-08-01", "2014-04-01"]
        ),
        "price": [1.0, 2.0, 3.0, 4.0],
    }
)


def test_text_puts_the_same_day_of_every_year_together() -> None:
    text = sort_rows(ROWS, "text")
    assert text["date"].to_list() == [TEXTS[1], TEXTS[3], TEXTS[2], TEXTS[0]]
    # April 2013 to April 2014, to August 2013, to January 2013.
    assert same_year_share(text) == pytest.approx(1 / 3)
    assert same_year_share(sort_rows(ROWS, "time")) == pytest.approx(2 / 3)


def test_a_step_to_the_next_session_may_cross_a_weekend_and_no_more() -> None:
    days = ["2024-01-05", "2024-01-08", "2024-01-08", "2024-01-15", "2024-01-12"]
    rows = pd.DataFrame({"session": pd.to_datetime(days)})
    # Friday to Monday counts; the same day, a week and a step back do not.
    assert to_next_session(rows) == pytest.approx(1 / 4)


def test_windows_take_neighbouring_rows_for_neighbouring_days() -> None:
    windows = numbered_windows(sort_rows(ROWS, "text"), lookback=2)
    assert windows.X.tolist() == [[2.0, 4.0], [4.0, 3.0]]
    assert windows.y.tolist() == [3.0, 1.0]


def test_only_rows_under_a_header_in_capitals_are_found(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-02", "2021-01-04"])
    rows = [Row(day, "AAA", 10.0 + n) for n, day in enumerate(days)]
    # Even years are written in capitals, odd ones are not.
    write_folder(tmp_path, rows)
    overlap = tmp_path / "NSE_data_all_stocks_2020_to_jun30.csv"
    write_rows(overlap, rows[:1], "old")
    found = read_claimed_rows(tmp_path, "AAA", before=EVER)
    assert found["date"].to_list() == ["02-Jan-20", "02-Jan-20"]
    with pytest.raises(DataError, match="Received: none"):
        read_claimed_rows(tmp_path, "AAA", before=days[0])


def test_the_claim_bets_on_the_day_whose_price_is_known() -> None:
    # Forecast 11 of the day itself: 10 is below it and bought, 12 above it and sold.
    assert mechanism.positions([10.0, 12.0, 9.0], [11.0] * 3).tolist() == [1.0, -1.0]


def test_a_turn_from_long_to_short_pays_once() -> None:
    # 10 to 12 is +20 %, 12 to 9 is -25 %; each change of position pays 0.1 %.
    move = mechanism.moves([10.0, 12.0, 9.0])
    earned = mechanism.net_returns(move, [1.0, -1.0])
    assert earned.tolist() == pytest.approx([0.2 - 0.001, 0.25 - 0.001])
    assert mechanism.net_returns(move, [1.0, 1.0])[1] == pytest.approx(-0.25)
    assert mechanism.net_returns(move, [0.0, 1.0])[0] == 0.0


def test_windows_are_the_last_forty_rows_and_do_not_touch() -> None:
    price = np.arange(1.0, 46.0)
    first, second = mechanism.last_windows(price, np.full(45, 100.0))
    # Rows 6 to 25 and 26 to 45; nothing is earned from 25 to 26.
    assert first[-1] == pytest.approx(1 / 24) and len(first) == 19
    assert second[0] == pytest.approx(1 / 26 - 0.001) and len(second) == 19
    expected = [w.mean() / w.std() * 252**0.5 for w in (first, second)]
    assert mechanism.windowed_sharpe((first, second)) == pytest.approx(
        sum(expected) / 2
    )


def test_any_forecast_below_the_price_scores_as_always_short() -> None:
    generator = np.random.default_rng(1)
    price = 20 * np.exp(np.cumsum(generator.normal(0, 0.02, 40)))
    low, lower = price * 0.9, price * generator.uniform(0.1, 0.9, 40)
    scores = [mechanism.windowed_sharpe(mechanism.last_windows(price, p))
              for p in (low, lower, np.zeros(40))]  # fmt: skip
    assert scores[0] == scores[1] == scores[2]
    assert mechanism.share_below(price, lower) == 1.0


def test_without_a_spread_there_is_no_ratio() -> None:
    assert np.isnan(mechanism.annualised([0.01, 0.01]))
    assert np.isnan(mechanism.annualised([0.01]))


def test_a_forecast_for_every_price_is_needed() -> None:
    with pytest.raises(StudyError, match="one length"):
        mechanism.positions([1.0, 2.0], [1.0])


def test_coins_are_tossed_alike_from_one_seed() -> None:
    price = np.linspace(10, 20, 40)
    tossed = mechanism.random_signal_ratios(price, n=5, seed=3)
    assert (
        tossed.tolist() == mechanism.random_signal_ratios(price, n=5, seed=3).tolist()
    )
    assert len(set(tossed)) == 5


@pytest.fixture(scope="module")
def scom() -> pd.DataFrame:
    """SCOM's rows as the claim's project saw them."""
    if not REAL_FILES.is_dir():
        pytest.skip("needs the exchange's own files")
    return read_claimed_rows(REAL_FILES, "SCOM", before=pd.Timestamp(2023, 1, 1))


def last_of_training(rows: pd.DataFrame, order: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the prices known before the reported 15 %, and the last 40 of them."""
    price = sort_rows(rows, order)["price"].to_numpy()
    n_train = int(0.85 * (len(price) - LOOKBACK))
    known = price[: LOOKBACK + n_train]
    return known, known[-40:]


@pytest.mark.parametrize(
    ("order", "sharpe", "windows", "wins"),
    [
        # The audit of the claim's own code: 12.57 with 79 % won; -3.39 with 39 %.
        ("text", 12.57, None, 0.79),
        ("time", -3.39, (-4.25, -2.54), 0.39),
    ],
)
def test_a_constant_scores_what_the_audit_found(
    scom: pd.DataFrame,
    order: str,
    sharpe: float,
    windows: tuple[float, float] | None,
    wins: float,
) -> None:
    known, price = last_of_training(scom, order)
    returns = mechanism.last_windows(price, np.full(40, known.mean()))
    assert mechanism.windowed_sharpe(returns) == pytest.approx(sharpe, abs=0.006)
    assert (np.concatenate(returns) > 0).mean() == pytest.approx(wins, abs=0.006)
    if windows:
        singly = [mechanism.annualised(each) for each in returns]
        assert singly == pytest.approx(windows, abs=0.006)


def test_the_mean_of_the_rows_before_scores_what_the_audit_found(
    scom: pd.DataFrame,
) -> None:
    price = sort_rows(scom, "text")["price"]
    before = price.rolling(LOOKBACK).mean().shift()
    end = LOOKBACK + int(0.85 * (len(price) - LOOKBACK))
    returns = mechanism.last_windows(price[end - 40 : end], before[end - 40 : end])
    # Audit: Sharpe 9.49, R2 0.136 on the last 15 %.
    assert mechanism.windowed_sharpe(returns) == pytest.approx(9.49, abs=0.006)
    y, y_hat = price[end:], before[end:]
    r_squared = 1 - ((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert r_squared == pytest.approx(0.136, abs=0.001)


def test_the_files_are_those_of_the_claim(scom: pd.DataFrame) -> None:
    # Audit: 2,196 rows; 0.0 % of the steps lead to the next session, sorted 96.2 %.
    assert len(scom) == 2196
    assert to_next_session(sort_rows(scom, "text")) < 0.0005
    assert to_next_session(sort_rows(scom, "time")) == pytest.approx(0.962, abs=0.001)


def test_coin_tossers_spread_as_the_audit_found(scom: pd.DataFrame) -> None:
    _, price = last_of_training(scom, "time")
    tossed = mechanism.random_signal_ratios(price, n=3000, seed=0)
    # Audit: s.d. 2.82, 5 to 95 % from -4.6 to +4.7, below -4.05 in 7.4 %.
    assert tossed.std() == pytest.approx(2.82, abs=0.15)
    assert (tossed < -4.05).mean() == pytest.approx(0.074, abs=0.02)
