"""What a change does, from losses written down by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.errors import TableError
from nse_lstm.evaluation.ablation import measure_changes, seed_losses
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import FORECASTS


def losses(**by_mixture: list[list[float]]) -> pd.DataFrame:
    """Lay out losses: a mixture's rows are its seeds, their columns its stocks."""
    rows = [
        (ticker, mixture, seed, 2022, loss, 10)
        for mixture, seeds in by_mixture.items()
        for seed, stocks in enumerate(seeds, start=1)
        for ticker, loss in zip("AB", stocks, strict=True)
    ]
    columns = ["ticker", "model", "seed", "fold", "value", "n"]
    return pd.DataFrame(rows, columns=columns)


TWO_SEEDS = losses(
    none=[[8.0, 2.0], [8.0, 2.0]],
    only_l2=[[4.0, 1.0], [2.0, 2.0]],
    without_l2=[[1.0, 1.0], [1.0, 1.0]],
    all=[[2.0, 2.0], [2.0, 2.0]],
)


def test_an_effect_is_the_mean_over_seeds_of_log_ratios_within_stock_and_seed() -> None:
    table = measure_changes(TWO_SEEDS, ["l2"]).set_index(["change", "form"])
    alone = table.loc[("l2", "alone")]
    # Seed 1: log 1/2 in both stocks; seed 2: log 1/4 and 0, so log 1/2 on average.
    assert alone["value"] == pytest.approx(np.log(0.5))
    assert alone["lower"] == pytest.approx(alone["value"])
    assert (alone["n_seeds_better"], alone["n_seeds"], alone["n_stocks"]) == (1, 2, 2)
    assert alone["loss_with"] == pytest.approx((4.0 * 1.0 * 2.0 * 2.0) ** 0.25)
    assert alone["loss_without"] == pytest.approx(4.0)
    # v2 has twice the error of v2 without it: the change harms.
    assert table.loc[("l2", "removed"), "value"] == pytest.approx(np.log(2))
    # v2 over v1's network: log 2/8 and log 2/2.
    assert table.loc[("all", "all"), "value"] == pytest.approx(np.log(0.25) / 2)


def test_the_interval_is_student_s_over_the_seeds() -> None:
    spread = TWO_SEEDS.copy()
    other = (spread["model"] == "only_l2") & (spread["seed"] == 2)
    spread.loc[other, "value"] = [8.0, 2.0]
    table = measure_changes(spread, ["l2"]).set_index(["change", "form"])
    # Seeds: log 1/2 and 0. Error of the mean: log 2 / 2; t(1) at 97.5 % is 12.7062.
    reach = 12.7062 * np.log(2) / 2
    row = table.loc[("l2", "alone")]
    assert row["upper"] - row["value"] == pytest.approx(reach, rel=1e-5)
    assert row["value"] - row["lower"] == pytest.approx(reach, rel=1e-5)


@pytest.mark.parametrize("lost", ["only_l2", "all"])
def test_a_loss_that_is_missing_is_refused(lost: str) -> None:
    short = TWO_SEEDS[~((TWO_SEEDS["model"] == lost) & (TWO_SEEDS["seed"] == 2))]
    with pytest.raises(TableError, match="on every stock"):
        measure_changes(short, ["l2"])


def test_a_single_seed_is_refused() -> None:
    with pytest.raises(TableError, match="1 seeds"):
        measure_changes(TWO_SEEDS[TWO_SEEDS["seed"] == 1], ["l2"])


def test_a_loss_is_the_error_over_persistence_s_on_the_same_forecasts() -> None:
    panel = make_tiny_panel(60)
    stock = with_returns(panel)
    stock = stock[stock["ticker"] == "AAA"].reset_index(drop=True)
    price, sessions = stock["price"].to_numpy(), stock["session"]
    origin, target = np.arange(10, 15), np.arange(11, 16)

    def rows(model: str, seed: int, price_hat: np.ndarray) -> pd.DataFrame:
        known = np.where(price_hat > 0, price_hat, np.nan)
        table = pd.DataFrame(
            {
                "origin": sessions[origin].to_numpy(),
                "entry_date": sessions[origin].to_numpy(),
                "target_date": sessions[target].to_numpy(),
                "price_hat": price_hat,
                "y_hat": np.log(known / price[origin]),
            }
        ).assign(ticker="AAA", model=model, seed=seed, fold=2020, delay=0, horizon=1)
        types = {name: str(c.dtype) for name, c in FORECASTS.columns.items()}
        table = table.assign(lower=np.nan, upper=np.nan)
        return table[list(types)].astype(types)

    below_zero = np.full(5, -1.0)
    found = seed_losses(
        pd.concat(
            [
                rows("persistence", 0, price[origin]),
                rows("none", 1, price[target] + 1),
                rows("none", 2, below_zero),
            ]
        ),
        panel,
    ).set_index("seed")["value"]
    naive = np.abs(price[target] - price[origin]).mean()
    assert found[1] == pytest.approx(1 / naive)
    # A price below zero has no return, and is an error all the same.
    assert found[2] == pytest.approx((price[target] + 1).mean() / naive)
