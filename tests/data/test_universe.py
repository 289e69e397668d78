"""Who is worth training on, judged by what was known before a date."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from support.places import REAL_FILES
from support.raw_files import Row, copy_session, random_rows, write_folder

from nse_lstm.config import Universe
from nse_lstm.data.panel import build_panel
from nse_lstm.data.universe import (
    recommendations_document,
    recommended,
    stock_statistics,
)
from nse_lstm.errors import DataError

BEFORE = pd.Timestamp("2100-01-01")
RULES = Universe(n_recommended=1, min_sessions=20, liquidity_sessions=10)


def instruments_of(panel: pd.DataFrame) -> pd.DataFrame:
    labels = panel.drop_duplicates("ticker")[["ticker", "kind", "sector"]]
    return labels.assign(name="<b>" + labels["ticker"] + "</b>")


def statistics_of(
    panel: pd.DataFrame, *, before: pd.Timestamp = BEFORE, universe: Universe = RULES
) -> pd.DataFrame:
    table = stock_statistics(
        panel, instruments_of(panel), before=before, universe=universe
    )
    return table.set_index("ticker")


def test_shares_rank_by_trailing_median_turnover(tiny_panel):
    found = statistics_of(tiny_panel)
    trailing = tiny_panel.groupby("ticker").tail(10)
    # A plain re-implementation: the middle of ten sorted turnovers.
    for ticker, rows in trailing.groupby("ticker"):
        turnover = sorted(rows["price"] * rows["volume"].fillna(0))
        middle = (turnover[4] + turnover[5]) / 2
        assert found.loc[ticker, "median_turnover"] == pytest.approx(middle)
    order = found.sort_values("median_turnover", ascending=False).index.tolist()
    assert found.sort_values("rank").index.tolist() == order
    assert recommended(found.reset_index()) == order[:1]
    assert found.loc[order, "tier"].tolist() == [1, 2, 2]
    assert found["name"].tolist() == ["<b>AAA</b>", "<b>BBB</b>", "<b>CCC</b>"]


def test_ties_rank_by_ticker(tiny_panel):
    same = tiny_panel.assign(price=10.0, volume=100.0, suspended=False)
    turned = same.iloc[::-1].reset_index(drop=True)
    for panel in (same, turned):
        ranks = statistics_of(panel)["rank"]
        assert ranks.to_dict() == {"AAA": 1, "BBB": 2, "CCC": 3}


def test_a_rarely_traded_share_says_its_share(tiny_panel):
    panel = tiny_panel.copy()
    rows = panel.index[panel["ticker"] == "AAA"]
    # Four of the last ten sessions have a deal, the last one among them.
    panel.loc[rows[-10:-4], "volume"] = np.nan
    found = statistics_of(panel).loc["AAA"]
    assert (found["tier"], found["rank"]) == (3, 0)
    assert found["reason"] == (
        "Traded on 40 % of the last 10 sessions; at least 60 % is needed."
    )


def test_sixty_per_cent_of_sessions_is_enough(tiny_panel):
    panel = tiny_panel.copy()
    rows = panel.index[panel["ticker"] == "AAA"]
    panel.loc[rows[-10:-6], "volume"] = np.nan
    assert statistics_of(panel).loc["AAA", "tier"] != 3


def test_a_share_without_history_says_so(tiny_panel):
    rules = Universe(min_sessions=61, liquidity_sessions=10)
    reasons = statistics_of(tiny_panel, universe=rules)["reason"].unique().tolist()
    assert reasons == ["Has a price on 60 sessions; at least 61 are needed."]


def test_a_missing_price_is_no_history(tiny_panel):
    panel = tiny_panel.copy()
    panel.loc[3, "price"] = np.nan
    assert statistics_of(panel).loc["AAA", "n_sessions"] == 59


def test_a_share_that_stopped_trading_is_not_tradable(tiny_panel):
    rules = Universe(min_sessions=20, liquidity_sessions=40, recency_sessions=5)
    panel = tiny_panel.copy()
    rows = panel.index[panel["ticker"] == "AAA"]
    panel.loc[rows[-6:], "volume"] = np.nan
    found = statistics_of(panel, universe=rules).loc["AAA"]
    assert found["sessions_since_trade"] == 6
    assert found["reason"] == "Last traded 6 sessions ago; at most 5 are allowed."
    panel.loc[rows[-1], "suspended"] = True
    assert "Suspended" in statistics_of(panel, universe=rules).loc["AAA", "reason"]


def test_only_ordinary_shares_are_ranked(tiny_panel):
    panel = tiny_panel.copy()
    panel.loc[panel["ticker"] == "BBB", "kind"] = "etf"
    found = statistics_of(panel).loc["BBB"]
    assert found["tier"] == 3 and "kind etf" in found["reason"]


def test_nothing_from_the_date_on_is_looked_at():
    panel = make_tiny_panel(60)
    before = panel["session"].unique()[45]
    past = panel[panel["session"] < before]
    future = panel.copy()
    late = future["session"] >= before
    noise = np.random.default_rng(1).uniform(1, 9, late.sum())
    future.loc[late, ["price", "volume"]] = np.column_stack([noise, noise * 1e6])
    newcomer = future[late].iloc[:5].assign(ticker="NEW")
    future = pd.concat([future, newcomer], ignore_index=True)
    expected = statistics_of(past, before=before)
    pd.testing.assert_frame_equal(statistics_of(future, before=before), expected)


@pytest.mark.parametrize("change", ["name", "sector"])
def test_a_label_of_later_decides_nothing(tmp_path, change):
    days = pd.bdate_range("2020-10-01", periods=90)
    rows = random_rows(days, seed=4, tickers=("AAA", "BBB", "CCC"))
    before = days[70]
    assert before.year == 2021 and rows[-3].ticker == "AAA"
    names = [*rows[:-3], replace(rows[-3], name="A Income-REIT"), *rows[-2:]]
    folders = [
        write_folder(tmp_path / "as it was", rows),
        write_folder(tmp_path / "later", names if change == "name" else rows),
    ]
    if change == "sector":
        text = "SECTOR,CODE,NAME\nExchange Traded Funds,AAA,A Plc\n"
        (folders[1] / "NSE_data_stock_market_sectors_2021.csv").write_text(text)
    tables = []
    for folder in folders:
        market = build_panel(folder)
        tables.append(
            stock_statistics(
                market.panel, market.instruments, before=before, universe=RULES
            )
        )
    assert tables[0].loc[0, "tier"] != 3
    labels = ["name", "sector"]
    pd.testing.assert_frame_equal(*(table.drop(columns=labels) for table in tables))


def test_an_instrument_table_of_today_decides_nothing(tiny_panel):
    labels = instruments_of(tiny_panel)
    tables = [
        stock_statistics(
            tiny_panel, labels.assign(kind=kind), before=BEFORE, universe=RULES
        )
        for kind in ("ordinary", "reit")
    ]
    pd.testing.assert_frame_equal(*tables)


def test_an_index_alone_on_a_session_costs_no_share_of_sessions(tiny_panel):
    saturday = tiny_panel["session"].unique()[-1] + pd.Timedelta(days=1)
    assert saturday.day_of_week == 5
    row = tiny_panel.iloc[[0]].assign(ticker="^IDX", kind="index", session=saturday)
    panel = pd.concat([tiny_panel, row], ignore_index=True)
    found = statistics_of(panel).drop("^IDX")
    pd.testing.assert_frame_equal(found, statistics_of(tiny_panel))


def test_a_stale_last_session_does_not_leak_its_mended_price(tmp_path):
    tickers = ("AAA", "BBB", "CCC", "DDD")
    days = pd.bdate_range("2020-01-01", periods=31)
    rows = random_rows(days, seed=1, tickers=tickers)
    rows = [Row(r.session, r.ticker, r.price, 900.0, r.previous) for r in rows]
    rows = copy_session(rows, days[29])
    folder = write_folder(tmp_path, rows)
    full, cut = build_panel(folder), build_panel(folder, as_of=days[29])
    assert full.panel["mended"].any() and not cut.panel["mended"].any()
    pd.testing.assert_frame_equal(
        statistics_of(full.panel, before=days[30]),
        statistics_of(cut.panel, before=days[30]),
    )


def test_returns_are_adjusted_and_skip_gaps():
    panel = make_tiny_panel(4).query("ticker == 'AAA'").reset_index(drop=True)
    # A 2-for-1 split without a move, +1 %, then a gap after which nothing counts.
    panel["price"] = [20.0, 10.0, 10.1, 50.0]
    panel["factor"] = [1.0, 2.0, 1.0, 1.0]
    panel["gap"] = [False, False, False, True]
    found = statistics_of(panel).loc["AAA"]
    assert found["unchanged_share"] == 0.5
    assert np.isnan(found["volatility"])
    panel["gap"] = False
    returns = [0.0, np.log(1.01), np.log(50 / 10.1)]
    found = statistics_of(panel).loc["AAA"]
    assert found["volatility"] == pytest.approx(np.std(returns, ddof=1))


def test_the_autocorrelation_is_of_neighbouring_returns():
    panel = make_tiny_panel(60).query("ticker == 'AAA'").reset_index(drop=True)
    r = np.diff(np.log(panel["price"].to_numpy()))
    now, before = r[1:] - r[1:].mean(), r[:-1] - r[:-1].mean()
    expected = (now * before).sum() / np.sqrt((now**2).sum() * (before**2).sum())
    found = statistics_of(panel).loc["AAA", "autocorrelation"]
    assert found == pytest.approx(expected)


def test_the_document_is_plain_json(tiny_panel):
    panel = tiny_panel[tiny_panel["session"] < tiny_panel["session"].unique()[3]]
    table = statistics_of(panel).reset_index()
    document = recommendations_document(table, before=BEFORE, universe=RULES)
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again == document
    assert again["rule"]["min_sessions"] == 20
    assert again["n_by_tier"] == {"1": 0, "2": 0, "3": 3}
    assert [stock["ticker"] for stock in again["stocks"]] == ["AAA", "BBB", "CCC"]


def test_no_session_before_the_date_is_refused(tiny_panel):
    with pytest.raises(DataError, match="2019-01-01"):
        statistics_of(tiny_panel, before=pd.Timestamp("2019-01-01"))


@pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)
def test_the_real_list_of_2023_holds_the_known_heavyweights():
    market = build_panel(REAL_FILES)
    table = stock_statistics(
        market.panel,
        market.instruments,
        before=pd.Timestamp("2023-01-01"),
        universe=Universe(),
    )
    # The source's documentation: SCOM has 33 % of turnover, EQTY 16, KCB 13, EABL 10.
    assert recommended(table)[:4] == ["SCOM", "EQTY", "KCB", "EABL"]
    by_ticker = table.set_index("ticker")
    assert by_ticker.loc[["ARM", "DCON", "KQ", "NBK", "KENO"], "tier"].eq(3).all()
    # Averaging alone makes prices autocorrelate by about 0.25 (Working 1960).
    heavy = by_ticker.loc[["SCOM", "EQTY", "KCB"], "autocorrelation"]
    assert heavy.between(0.15, 0.30).all()
