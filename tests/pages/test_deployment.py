"""The page of the next session: who should wait."""

import pandas as pd

from nse_lstm.pages.deployment import advice_table


def test_each_stock_has_one_row_with_its_buyer_and_its_seller() -> None:
    advice = pd.DataFrame(
        {
            "ticker": ["AAA", "AAA", "BBB", "BBB"],
            "side": ["buy", "sell", "buy", "sell"],
            "advice": ["wait", "send now", "send now", "wait"],
            "forecast_bps": [-20.4, -20.4, 3.0, 3.0],
            "saving_bps": [22.9, 0.0, 0.0, 17.1],
        }
    )
    table = advice_table(advice)
    assert table.to_dict("records") == [
        {
            "ticker": "AAA",
            "forecast beyond the market, bps": "-20",
            "a buyer": "wait (saves 23 bps on average)",
            "a seller": "send now",
        },
        {
            "ticker": "BBB",
            "forecast beyond the market, bps": "+3",
            "a buyer": "send now",
            "a seller": "wait (saves 17 bps on average)",
        },
    ]
