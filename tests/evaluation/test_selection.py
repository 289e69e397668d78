"""The one-standard-error choice, on forecasts whose errors are known."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.evaluation.selection import select


@pytest.fixture
def panel():
    return make_tiny_panel(start="2020-01-06")


def zero(rows):
    return rows["ahead"] * 0


def near(share):
    return lambda rows: rows["ahead"] * share


def noisy(rows):
    generator = np.random.default_rng(5)
    return pd.Series(generator.normal(0, 0.05, len(rows)), index=rows.index)


def choose(forecasts_of, panel, **models):
    parts = [
        forecasts_of(panel, model=name, y_hat=y_hat, fold=2020)
        for name, y_hat in models.items()
    ]
    table = select(pd.concat(parts), panel, tickers=["AAA", "BBB"])
    return table.set_index("ticker").loc["AAA"]


def test_a_clearly_better_network_is_champion(forecasts_of, panel):
    row = choose(forecasts_of, panel, persistence=zero, repeat_sign=noisy, v2=near(0.9))
    assert (row["champion"], row["challenger"]) == ("v2", "persistence")
    # The network errs by a tenth of what persistence errs: a hundredth squared.
    assert row["loss_network"] * 100 == pytest.approx(
        row["loss_network"] + row["difference"]
    )
    assert row["loss_champion"] == row["loss_network"]
    assert "v2 has the smallest root mean squared error" in row["reason"]
    naive = (row["loss_network"] * 100) ** 0.5
    assert f"(persistence {naive:.5f})" in row["reason"]


def test_a_worse_network_is_challenger_of_persistence(forecasts_of, panel):
    row = choose(forecasts_of, panel, persistence=zero, v2=noisy)
    assert (row["champion"], row["challenger"]) == ("persistence", "v2")
    assert row["difference"] > 0


def test_a_gain_within_one_standard_error_prefers_the_simpler(forecasts_of, panel):
    # Its squared error is 1.0e-5 less than the move's square one session, 0.9e-5 more
    # the next: about 0.05e-5 better, with a standard error near 0.95e-5 / sqrt(59).
    def lucky(rows):
        off = np.where(np.arange(len(rows)) % 2, 0.9e-5, -1.0e-5)
        square = (rows["ahead"] ** 2 + off).clip(lower=0)
        return rows["ahead"] - np.sign(rows["ahead"]) * np.sqrt(square)

    row = choose(forecasts_of, panel, persistence=zero, v2=lucky)
    assert row["loss_network"] < row["loss_champion"]
    assert row["champion"] == "persistence"
    assert "within one standard error" in row["reason"]
    assert row["difference"] == pytest.approx(
        row["loss_network"] - row["loss_champion"]
    )
    assert abs(row["difference"]) < row["standard_error"]


def test_equal_losses_go_to_the_simplest(forecasts_of, panel):
    row = choose(forecasts_of, panel, v2=zero, repeat_sign=zero, persistence=zero)
    assert row["champion"] == "persistence"
    assert row["difference"] == 0


def test_one_price_forecast_that_is_not_positive_disqualifies(forecasts_of, panel):
    def broken(rows):
        forecast = rows["ahead"] * 0.9
        return forecast.where(rows["session"] != rows["session"].iloc[4])

    row = choose(forecasts_of, panel, persistence=zero, v2=broken)
    assert row["champion"] == "persistence"
    assert pd.isna(row["challenger"])
    assert pd.isna(row["loss_network"])
    assert "not above 0: v2" in row["reason"]


def test_what_cannot_be_served_is_never_chosen_however_good(forecasts_of, panel):
    row = choose(forecasts_of, panel, persistence=zero, repeat_sign=near(0.8), v2=noisy)
    assert (row["champion"], row["challenger"]) == ("persistence", "v2")


def test_a_stock_without_forecasts_gets_persistence_and_says_why(forecasts_of, panel):
    forecasts = forecasts_of(panel, model="v2", y_hat=zero, fold=2020)
    row = select(forecasts, panel, tickers=["ZZZ"]).iloc[0]
    assert (row["champion"], row["n"]) == ("persistence", 0)
    assert "No scored walk-forward forecast" in row["reason"]


def test_losses_are_compared_on_common_origins_and_averaged_over_seeds(
    forecasts_of, panel
):
    naive = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    seeds = [
        forecasts_of(panel, model="v2", y_hat=near(share), fold=2020, seed=seed)
        for seed, share in [(1, 0.5), (2, 0.7)]
    ]
    late = naive[naive["origin"] > naive["origin"].unique()[9]]
    table = select(pd.concat([late, *seeds]), panel, tickers=["AAA"])
    row = table.iloc[0]
    assert row["n"] == len(late[late["ticker"] == "AAA"])
    # Squared errors of 0.25 and 0.09 average to 0.17 of persistence's.
    persistence = row["loss_network"] + row["difference"]
    assert row["loss_network"] == pytest.approx(0.17 * persistence)


def test_one_row_a_ticker_in_the_order_given(forecasts_of, panel):
    forecasts = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    table = select(forecasts, panel, tickers=["CCC", "AAA"])
    assert table["ticker"].tolist() == ["CCC", "AAA"]


def test_another_network_may_be_the_candidate(forecasts_of, panel):
    parts = [
        forecasts_of(panel, model=name, y_hat=y_hat, fold=2020)
        for name, y_hat in (
            ("persistence", zero),
            ("stock_lstm", near(0.9)),
            ("v2", near(0.95)),
        )
    ]
    table = select(pd.concat(parts), panel, tickers=["AAA"], network="stock_lstm")
    assert table["champion"].tolist() == ["stock_lstm"]
    assert table["challenger"].tolist() == ["persistence"]
