import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.finished_study import OFF, stocks

from nse_lstm.errors import ConfigurationError
from nse_lstm.pages import stock_card
from nse_lstm.pages.stock_page import StockPage, read_stock_page
from nse_lstm.study.core.workspace import Workspace


@pytest.fixture(scope="module")
def page(finished: Workspace) -> StockPage:
    return read_stock_page(finished)


def test_the_first_recommended_stock_is_shown_unless_one_is_named(
    finished: Workspace,
) -> None:
    first, second = stocks(finished)
    assert read_stock_page(finished).ticker == first
    assert read_stock_page(finished, second).ticker == second


def test_a_stock_that_is_not_recommended_has_no_page(finished: Workspace) -> None:
    with pytest.raises(ConfigurationError, match="Received: 'ZZZ'"):
        read_stock_page(finished, "ZZZ")


def test_only_the_test_year_and_the_stock_itself_are_shown(page: StockPage) -> None:
    for table in (page.forecasts, page.returns, page.scores):
        assert set(table["ticker"]) == {page.ticker}
        assert set(table["fold"]) == {page.year}
    assert set(page.returns["cost_bps"]) == {page.headline_cost_bps}


def test_the_rolling_error_is_a_ratio_of_means_and_not_a_mean_of_ratios(
    page: StockPage,
) -> None:
    days = pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-04"])
    rows = [
        # level, persistence, v2: errors 1 and 2, then 1 and 0, then 0 and 6.
        (10.0, 11.0, 12.0),
        (10.0, 9.0, 10.0),
        (10.0, 10.0, 16.0),
    ]
    forecasts = pd.concat(
        [
            pd.DataFrame(
                {
                    "target_date": days,
                    "model": model,
                    "level": [row[0] for row in rows],
                    "price_hat": [row[place] for row in rows],
                }
            )
            for place, model in ((1, "persistence"), (2, "v2"))
        ]
    )
    errors = stock_card.rolling_errors(replace(page, forecasts=forecasts), n_sessions=2)
    # (4 + 0) / (1 + 1) and (0 + 36) / (1 + 0), and their roots
    assert errors["ratio"].to_list() == pytest.approx([2**0.5, 6.0])
    assert errors["target_date"].to_list() == list(days[1:])


def test_fifteen_sessions_are_too_few_for_a_rolling_error_and_the_page_says_so(
    page: StockPage,
) -> None:
    days = sorted(page.forecasts["target_date"].unique())[:15]
    short = page.forecasts[page.forecasts["target_date"].isin(days)]
    few = replace(page, forecasts=short)
    assert stock_card.rolling_errors(few).empty
    said = stock_card.stock_findings(few).html
    assert "too few sessions for a rolling error" in said and "nan" not in said


def test_a_span_without_any_change_of_price_has_no_ratio(page: StockPage) -> None:
    still = page.forecasts.assign(level=page.forecasts["price_hat"])
    assert stock_card.rolling_errors(replace(page, forecasts=still)).empty


def test_months_without_a_trade_have_no_turnover(page: StockPage) -> None:
    sessions = pd.to_datetime(["2024-01-02", "2024-01-03", "2024-02-01", "2024-02-02"])
    prices = pd.DataFrame(
        {
            "session": sessions,
            "price": 10.0,
            "volume": [100.0, 300.0, float("nan"), float("nan")],
            "stale": False,
        }
    )
    months = stock_card.monthly_liquidity(replace(page, prices=prices))
    # January: the median of 1,000 and 3,000.
    assert months["turnover"].to_list() == [2000.0, 0.0]
    assert months["traded_share"].to_list() == [1.0, 0.0]


def test_strategies_shown_are_those_of_the_compared_models(page: StockPage) -> None:
    other = page.scores.assign(model="another")
    both = replace(page, scores=pd.concat([page.scores, other]))
    table = stock_card.strategy_table(both)
    assert set(table["model"]) == {"persistence", "v2", "buy_and_hold"}
    assert set(stock_card.traded_returns(page)["model"]) == {"v2", "buy_and_hold"}
    assert "66 bps" in stock_card.cost_table(page).columns


def test_the_card_says_what_the_model_is_and_what_it_is_not_for(
    page: StockPage,
) -> None:
    card = stock_card.model_card(page).set_index("item")["value"]
    assert card["scaler range"].startswith("10.00 to 50.00 KES")
    assert card["size"] == "2.00 MB"
    assert card["validation over training loss"].startswith("1.5 ")
    # Two windows were left out of training and two of validation.
    assert card["windows left out"] == "4: 4 gap"
    assert page.selection["champion"] == "persistence"
    assert "Phase 4 chose persistence" in stock_card.limits(page).html
    # Its gate has not been asked when this page is made.
    assert "in use" not in stock_card.stock_headline(page)


def test_text_of_the_data_cannot_become_markup(page: StockPage) -> None:
    hostile = replace(page, selection=page.selection | {"champion": "<script>"})
    assert "<script" not in stock_card.limits(hostile).html


def test_v2_five_percent_off_is_worse_nearly_always(page: StockPage) -> None:
    v2 = page.forecasts[page.forecasts["model"] == "v2"]
    assert (v2["price_hat"] / v2["last_price"]).round(6).eq(OFF).all()
    assert "mean absolute error of v2 was" in stock_card.stock_findings(page).html


def test_the_page_needs_no_network_library() -> None:
    code = (
        "import sys; from nse_lstm.pages import stock_card, stock_pages, status; "
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_fan_is_of_one_origin_with_every_horizon(page: StockPage) -> None:
    assert page.fan["horizon"].tolist() == [1, 5, 10]
    assert len(set(page.fan["origin"])) == 1
    shown = stock_card.show_fan(page).html
    assert "10 sessions after" in shown and "<img" in shown
    # At 95 % a normal quantile of 0.01 sqrt(10) is 1.645 times that.
    last, end = page.fan["last_price"].iloc[0], page.fan.iloc[-1]
    high = last * float(np.exp(0.01 * np.sqrt(10) * 1.6448536))
    assert f"{high:.2f} KES" in shown
    assert end["q950"] == pytest.approx(0.01 * np.sqrt(10) * 1.6448536)


def test_without_a_distribution_the_page_says_so(page: StockPage) -> None:
    bare = replace(page, fan=page.fan.iloc[:0])
    assert "no distribution" in stock_card.show_fan(bare).html


def test_the_faults_are_those_of_the_test_year(page: StockPage) -> None:
    own = page.faults.set_index("model")
    assert set(page.faults["ticker"]) == {page.ticker}
    # v2 forecasts 5 % above today's price.
    assert own.loc["v2", "beyond"] == 0
    assert own.loc["v2", "offset"] == pytest.approx(OFF - 1, abs=0.01)
