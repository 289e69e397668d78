"""The embedded market: its files, its fairness and what the loader makes of them."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.places import REAL_FILES

from nse_lstm.config import Simulation
from nse_lstm.data import row_accounting, simulate
from nse_lstm.data.adjusted import with_returns
from nse_lstm.data.panel import build_panel
from nse_lstm.data.row_accounting import DUPLICATE
from nse_lstm.data.simulate import simulate_market, simulate_prices, write_market
from nse_lstm.data.simulation.exchange import LIQUIDITY_ORDER
from nse_lstm.errors import DataError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.tables import FORECASTS, check, read_table

SMALL = Simulation(first_year=2017, last_year=2022, n_ordinary=12, seed=3)
TICK_CHANGE = "2018-11-26"


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("markets") / "small"
    write_market(folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def board():
    return simulate_prices(SMALL)


@pytest.fixture(scope="module")
def market(small_folder):
    return build_panel(small_folder)


@pytest.fixture(scope="module")
def large():
    return simulate_prices(Simulation(first_year=2013, last_year=2016))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read_fields(folder: Path, suffix: str) -> list[list[str]]:
    path = folder / f"NSE_data_all_stocks_{suffix}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def slow_tick(price: float, *, old: bool) -> float:
    table = (
        [(20, 0.05), (50, 0.25), (100, 0.5), (np.inf, 1)]
        if old
        else [(5, 0.01), (10, 0.02), (50, 0.05), (500, 0.25), (1000, 1), (np.inf, 5)]
    )
    return next(tick for edge, tick in table if price < edge)


def test_the_same_simulation_writes_the_same_bytes(small_folder, tmp_path):
    write_market(tmp_path / "again", SMALL)
    assert contents(tmp_path / "again") == contents(small_folder)


def test_another_seed_writes_other_prices(small_folder, tmp_path):
    write_market(
        tmp_path / "other",
        Simulation(first_year=2017, last_year=2022, n_ordinary=12, seed=4),
    )
    other, same = contents(tmp_path / "other"), contents(small_folder)
    assert other.keys() == same.keys()
    assert all(other[name] != same[name] for name in same if "all_stocks" in name)


def test_files_are_named_as_the_exchange_names_them(small_folder):
    prices = "2017 2018 2019 2020_to_jun30 2021_upto_30apr2021 2021_upto_31dec2021 2022"
    expected = {f"NSE_data_all_stocks_{suffix}.csv" for suffix in prices.split()}
    # The 2013 sector file serves until 2019; years not simulated have no file.
    expected |= {
        f"NSE_data_stock_market_sectors_{year}.csv" for year in (2013, 2020, 2021, 2022)
    }
    expected |= {"sourced/dividends.csv", "sourced/dividends_years.csv"}
    assert {
        name for name in contents(small_folder) if name.endswith(".csv")
    } == expected


@pytest.mark.parametrize(
    ("year", "date", "first_column", "crlf"),
    [
        (2013, r"\d{1,2}-[A-Z][a-z]{2}-13", b"DATE", True),
        (2014, r"\d{2}-[A-Z][a-z]{2}-14", b"DATE", True),
        (2015, r"\d{1,2}-[A-Z][a-z]{2}-15", b"DATE", True),
        (2019, r"\d{2}-[A-Z][a-z]{2}-19", b"DATE", True),
        (2022, r"\d{1,2}-[A-Z][a-z]{2}-22", b"Date", False),
        (2023, r"\d{2}-[A-Z][a-z]{2}-2023", b"Date", True),
        (2024, r"\d{1,2}-[A-Z][a-z]{2}-24", b"Date", False),
    ],
)
def test_each_year_speaks_its_own_dialect(tmp_path, year, date, first_column, crlf):
    write_market(
        tmp_path / "m", Simulation(first_year=year, last_year=year, n_ordinary=4)
    )
    data = (tmp_path / "m" / f"NSE_data_all_stocks_{year}.csv").read_bytes()
    rows = [row for row in read_fields(tmp_path / "m", str(year)) if row[0]]
    assert data.startswith(first_column)
    assert data.endswith(b"\n")
    assert (data.count(b"\r\n") == data.count(b"\n")) is crlf
    assert all(len(row) == 13 for row in rows)
    # One block carries the year of two years before.
    wrong = {row[0] for row in rows if not re.fullmatch(date, row[0])}
    assert len(wrong) == 1
    unpadded = any(len(row[0]) < len(rows[-1][0]) for row in rows)
    assert unpadded is (r"{1,2}" in date)


def test_the_byte_order_mark_is_in_the_full_file_of_2021_only(small_folder):
    marked = [n for n, data in contents(small_folder).items() if data[:1] == b"\xef"]
    assert marked == ["NSE_data_all_stocks_2021_upto_31dec2021.csv"]


def test_the_numbers_of_2021_change_their_looks_in_may(small_folder):
    rows = read_fields(small_folder, "2021_upto_31dec2021")
    early = [row for row in rows if re.search("Jan|Feb|Mar|Apr", row[0])]
    late = [row for row in rows if not re.search("Jan|Feb|Mar|Apr", row[0])]
    assert any("," in row[11] for row in early)
    assert not any("," in row[11] for row in late)
    assert all(re.search(r"\.\d\d$", row[7]) for row in late)
    assert not any(re.search(r"\.\d?0$", row[7]) for row in early)


def test_the_file_of_april_2021_is_contained_in_the_full_year(small_folder):
    april = read_fields(small_folder, "2021_upto_30apr2021")
    assert april == read_fields(small_folder, "2021_upto_31dec2021")[: len(april)]
    assert april[-1][0] == "30-Apr-21"


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs the exchange's own files")
def test_every_file_opens_like_the_exchange_s_own(tmp_path):
    write_market(tmp_path / "m", Simulation(last_year=2023, n_ordinary=4))
    real = {path.name: path.read_bytes() for path in REAL_FILES.glob("*.csv")}
    # The exchange prints no dividends; their tables lie in a folder of their own.
    simulated = {
        name: data for name, data in contents(tmp_path / "m").items() if "/" not in name
    }
    assert real.keys() == simulated.keys() - {"SIMULATED.txt"}
    for name, data in real.items():
        ours = simulated[name]
        assert ours.partition(b"\n")[0] == data.partition(b"\n")[0]
        shape = re.compile(rb"\n(\d+-\w+-\d+),")
        first, last = shape.findall(data)[:1], shape.findall(data)[-1:]
        assert [len(date) for date in shape.findall(ours)[:1]] == list(map(len, first))
        assert [len(date) for date in shape.findall(ours)[-1:]] == list(map(len, last))


def test_volumes_of_2023_have_two_decimals(tmp_path):
    write_market(
        tmp_path / "m", Simulation(first_year=2023, last_year=2023, n_ordinary=4)
    )
    volumes = {row[11] for row in read_fields(tmp_path / "m", "2023")} - {"-", ""}
    assert all(re.fullmatch(r"[\d,]+00\.00", volume) for volume in volumes)


def test_sector_titles_slip_into_rows_of_the_last_file(tmp_path):
    write_market(tmp_path / "m", Simulation(first_year=2023, last_year=2023))
    name = "NSE_data_stock_market_sectors_2023_2024.csv"
    lines = (tmp_path / "m" / name).read_text(encoding="ascii").splitlines()
    title = lines.index("Construction and Allied,Energy and Petroleum,")
    assert lines[title + 1].startswith("Construction and Allied,KENO,")
    assert "Telecommunication,Exchange Traded Funds," in lines


def test_change_is_price_less_previous_and_its_percentage_has_no_sign(small_folder):
    rows = read_fields(small_folder, "2018")
    changed = [row for row in rows if row[9] != "-" and row[8] != "-"]
    assert any(row[9].startswith("-") for row in changed)
    for row in changed:
        price, previous, change = (number(row[k]) for k in (7, 8, 9))
        assert change == pytest.approx(price - previous, abs=1e-9)
        assert number(row[10].removesuffix("%")) == pytest.approx(
            100 * abs(change) / previous, abs=0.0051
        )


def test_a_session_without_a_deal_repeats_the_price(board):
    quiet = np.isnan(board.volume) & board.listed & ~np.isnan(board.previous)
    quiet[:, [ticker.startswith("^") for ticker in board.tickers]] = False
    assert quiet.sum() > 500
    for values in (board.price, board.low, board.high):
        np.testing.assert_array_equal(values[quiet], board.previous[quiet])


def test_dealt_prices_lie_on_the_tick_of_their_date(board):
    dealt = ~np.isnan(board.volume) & board.listed
    old = np.asarray(board.sessions < TICK_CHANGE)
    assert old.any() and not old.all()
    for values in (board.price, board.low, board.high):
        for is_old in (True, False):
            prices = np.unique(values[dealt & (old == is_old)[:, None]])
            steps = [price / slow_tick(price, old=is_old) for price in prices]
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)


def test_the_average_lies_inside_the_range_of_the_session(board):
    assert (board.low <= board.price)[board.listed].all()
    assert (board.price <= board.high)[board.listed].all()


def test_no_deal_is_beyond_the_daily_limit_or_one_tick(board):
    dealt = ~np.isnan(board.volume) & ~np.isnan(board.previous)
    plain = (board.factor == 1) & ~board.news
    reference = np.where(plain, board.previous, np.nan)
    old = np.broadcast_to(
        np.asarray(board.sessions < TICK_CHANGE)[:, None], reference.shape
    )
    for values in (board.low, board.high):
        beyond = dealt & (np.abs(values / reference - 1) > 0.10 + 1e-9)
        for value, before, is_old in zip(
            values[beyond], reference[beyond], old[beyond], strict=True
        ):
            # At most one tick from where the price before lies on the ticks.
            tick = slow_tick(before, old=is_old)
            assert abs(value - round(before / tick) * tick) <= tick + 1e-9


def test_only_news_moves_a_price_beyond_the_limit_and_never_past_the_loader_s(board):
    # Cheap shares may move by a tick of more than that.
    dear = ~np.isnan(board.volume) & (board.previous > 5) & (board.factor == 1)
    move = np.abs(np.log(board.price / board.previous))
    beyond = dear & (move > 0.11)
    assert beyond.sum() > 5
    assert board.news[beyond].all()
    assert (move[dear] < 0.135).all()


def test_the_liquid_shares_pay_a_dividend_a_year_from_april_to_june(board):
    season = np.isin(board.sessions.month, (4, 5, 6))
    liquid = board.tickers.index("SCOM")
    for year in range(2017, 2023):
        days = season & (board.sessions.year == year)
        assert board.news[days, liquid].any()


def test_volumes_are_whole_lots(board):
    volume = board.volume[~np.isnan(board.volume)]
    assert (volume >= 100).all()
    assert (volume % 100 == 0).all()


def test_no_row_is_dated_on_a_weekend_a_holiday_or_in_the_gap(market):
    sessions = pd.DatetimeIndex(market.panel["session"].unique())
    assert (sessions.day_of_week < 5).all()
    for holiday in ("2018-01-01", "2018-03-30", "2018-04-02", "2019-10-21"):
        assert pd.Timestamp(holiday) not in sessions
    assert not ((sessions > "2020-06-30") & (sessions < "2021-01-01")).any()
    assert 245 <= (sessions.year == 2018).sum() <= 255


def test_the_loader_accounts_for_every_line_of_every_file(market, small_folder):
    counted = market.row_counts.groupby("source_file")["n_rows"].sum()
    for file, n_rows in counted.items():
        lines = (small_folder / str(file)).read_bytes().count(b"\n")
        assert n_rows == lines - 1
    assert len(counted) == 7


def test_the_loader_finds_each_planted_fault_and_no_other(market):
    panel = market.panel
    # Stale copies in every second of 2017 to 2022, early boards in the others.
    stale = pd.DatetimeIndex(panel.loc[panel["stale"], "session"].unique())
    assert list(stale.year) == [2017, 2018, 2019, 2020, 2021, 2022]
    early = market.repairs["reason"] == row_accounting.MISPLACED_MENDED
    years = market.repairs.loc[early, "session"].dt.year.unique()
    assert sorted(years) == [2018, 2020, 2022]
    reasons = market.repairs.groupby("reason")["session"].nunique()
    assert reasons.filter(like="re-dated").tolist() == [1]
    assert market.repairs["reason"].eq("blank row").sum() == 1
    # The decimal slip of an index is put back, and leaves nothing to review.
    slipped = market.repairs[market.repairs["reason"] == row_accounting.SLIPPED]
    assert slipped["ticker"].tolist() == ["^NASI"]
    assert (market.repairs["action"] != "review").all()


def test_the_mended_panel_holds_the_true_prices(market, board):
    shares = [not ticker.startswith("^") for ticker in board.tickers]
    truth = pd.DataFrame(
        np.where(board.listed, board.price, np.nan),
        index=board.sessions,
        columns=list(board.tickers),
    ).loc[:, shares]
    loaded = market.panel.pivot(index="session", columns="ticker", values="price")
    truth = truth.dropna(how="all")
    pd.testing.assert_frame_equal(
        loaded[truth.columns], truth, check_names=False, check_freq=False
    )


def test_the_loader_finds_the_bonus_issues_and_only_them(market, board):
    days, places = np.nonzero(board.factor != 1)
    expected = {
        (board.tickers[place], board.sessions[day], board.factor[day, place])
        for day, place in zip(days, places, strict=True)
    }
    found = market.panel[market.panel["factor"] != 1]
    assert len(expected) == 3
    assert set(
        zip(found["ticker"], found["session"], found["factor"], strict=True)
    ) == (expected)


def test_adjust_looks_ahead_as_on_the_real_files(small_folder, board):
    day, place = np.argwhere(board.factor != 1)[0]
    ticker, ex_date = board.tickers[place], board.sessions[day]
    rows = [r for r in read_fields(small_folder, str(ex_date.year)) if r[1] == ticker]
    dates = [pd.to_datetime(row[0], format="%d-%b-%y") for row in rows]
    before = [row for row, date in zip(rows, dates, strict=True) if date < ex_date]
    later = [row for row, date in zip(rows, dates, strict=True) if date >= ex_date]
    factor = board.factor[day, place]
    assert len(before) > 50
    for row in before:
        assert number(row[12]) == pytest.approx(number(row[7]) / factor, abs=0.0051)
    assert {row[12] for row in later} == {"-"}


def test_the_twelve_month_range_is_a_snapshot_copied_to_older_rows(small_folder):
    old = [r for y in (2017, 2018, 2019) for r in read_fields(small_folder, str(y))]
    ranges = {tuple(row[3:5]) for row in old if row[1] == "SCOM"}
    assert len(ranges) == 1


def test_lives_differ_one_is_suspended_one_leaves_one_comes_late(market):
    panel, ends = market.panel, market.instruments
    ordinary = ends[ends["kind"] == "ordinary"]
    last = panel["session"].max()
    assert (ordinary["last_session"] < last).sum() == 1
    assert (ordinary["first_session"] > panel["session"].min()).sum() == 1
    tail = panel[(panel["session"] == last) & (panel["kind"] == "ordinary")]
    idle = panel[panel["ticker"].isin(tail["ticker"])].groupby("ticker").tail(250)
    n_deals = idle.groupby("ticker")["volume"].count()
    assert (n_deals == 0).sum() == 1
    late = ordinary.loc[ordinary["first_session"] > panel["session"].min(), "ticker"]
    first = panel[panel["ticker"] == late.item()].iloc[0]
    assert np.isnan(first["previous"])


def test_the_full_market_has_the_exchange_s_76_codes():
    board = simulate_prices(Simulation(first_year=2020, last_year=2024))
    assert len(board.tickers) == 76
    assert sum(ticker.startswith("^") for ticker in board.tickers) == 8
    assert board.listed.any(axis=0).all()
    # Five years of about 250 sessions, less half of 2020.
    assert board.listed.any(axis=1).sum() == pytest.approx(4.5 * 250, rel=0.02)


def test_liquid_returns_trend_by_averaging_and_thin_ones_bounce(large):
    adjusted = large.price * np.cumprod(large.factor, axis=0)
    returns = pd.DataFrame(np.diff(np.log(adjusted), axis=0), columns=large.tickers)
    # Working's 0.25 less what rounding and the spread take away.
    liquid = [returns[ticker].autocorr(1) for ticker in ("SCOM", "EQTY", "KCB")]
    assert 0.10 < np.mean(liquid) < 0.30
    # Nothing is left two sessions later: 4 standard errors of a mean of three.
    second = [returns[ticker].autocorr(2) for ticker in ("SCOM", "EQTY", "KCB")]
    assert abs(np.mean(second)) < 4 / np.sqrt(3 * len(returns))
    thin = ("TOTL", "SASN", "LBTY", "CABL", "TPSE", "SMER")
    assert np.mean([returns[ticker].autocorr(1) for ticker in thin]) < -0.04


def test_liquidity_is_as_concentrated_and_as_thin_as_on_the_exchange(large):
    ordinary = [name.endswith("Plc") for name in large.names]
    listed = large.listed[:, ordinary]
    volume, price = large.volume[:, ordinary], large.price[:, ordinary]
    assert 0.10 < np.isnan(volume)[listed].mean() < 0.30
    turnover = np.sort(np.nansum(volume * price, axis=0))[::-1]
    assert 0.60 < turnover[:4].sum() / turnover.sum() < 0.85
    returns = np.diff(np.log(price), axis=0)[:, listed.all(axis=0)]
    volatility = np.median(returns.std(axis=0))
    assert 0.014 < volatility < 0.030


@pytest.mark.parametrize(
    ("first_year", "last_year", "n_ordinary"),
    [(2020, 2020, 4), (2021, 2021, 5), (2016, 2017, 63), (2023, 2024, 6)],
)
def test_the_loader_reads_a_market_of_any_scale(
    tmp_path, first_year, last_year, n_ordinary
):
    simulation = Simulation(
        first_year=first_year, last_year=last_year, n_ordinary=n_ordinary, seed=8
    )
    write_market(tmp_path / "m", simulation)
    panel = build_panel(tmp_path / "m").panel
    assert panel.loc[panel["kind"] == "ordinary", "ticker"].nunique() == n_ordinary
    assert set(panel["session"].dt.year) == set(range(first_year, last_year + 1))


def test_files_of_someone_else_are_never_replaced(tmp_path):
    folder = tmp_path / "nse"
    folder.mkdir()
    (folder / "NSE_data_all_stocks_2013.csv").write_text("real")
    with pytest.raises(DataError, match="holds other files"):
        write_market(folder, SMALL)
    assert contents(folder) == {"NSE_data_all_stocks_2013.csv": b"real"}


def test_an_interrupted_market_leaves_the_one_before(
    small_folder, tmp_path, monkeypatch
):
    tiny = Simulation(first_year=2013, last_year=2013, n_ordinary=4)
    write_market(tmp_path / "m", tiny)
    before = contents(tmp_path / "m")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(simulate, "write_sectors", fail)
    with pytest.raises(OSError, match="disk full"):
        write_market(tmp_path / "m", SMALL)
    assert contents(tmp_path / "m") == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_whole_market_replaces_the_one_before(tmp_path):
    for year in (2013, 2014):
        simulation = Simulation(first_year=year, last_year=year, n_ordinary=4)
        write_market(tmp_path / "m", simulation)
    assert "NSE_data_all_stocks_2014.csv" in contents(tmp_path / "m")
    assert "NSE_data_all_stocks_2013.csv" not in contents(tmp_path / "m")


@pytest.mark.parametrize(
    "simulation",
    [
        Simulation(
            first_year=2019, last_year=2022, n_ordinary=12, seed=5, faults=False
        ),
        Simulation(first_year=2023, last_year=2024, n_ordinary=63, faults=False),
    ],
    ids=str,
)
def test_a_market_drawn_to_tables_is_the_one_its_files_hold(tmp_path, simulation):
    write_market(tmp_path / "m", simulation)
    payments = tmp_path / "m/sourced/dividends.csv"
    loaded = build_panel(tmp_path / "m", payments=payments)
    drawn = simulate_market(simulation)
    assert loaded.panel["dividend"].sum() > 0
    pd.testing.assert_frame_equal(drawn.panel, loaded.panel, check_exact=True)
    pd.testing.assert_frame_equal(drawn.instruments, loaded.instruments)
    # The months that two files hold are the only thing to repair.
    assert set(loaded.repairs["reason"]) <= {DUPLICATE}


def test_the_faults_of_the_files_leave_the_market_itself_alone():
    clean = replace(SMALL, faults=False)
    with_faults, without = simulate_prices(SMALL), simulate_prices(clean)
    np.testing.assert_array_equal(with_faults.price, without.price)


def test_another_seed_is_another_market():
    small = Simulation(first_year=2013, last_year=2013, n_ordinary=4)
    first, other = simulate_market(small), simulate_market(small, seed=1)
    again = simulate_market(replace(small, seed=1))
    assert not first.panel["price"].equals(other.panel["price"])
    pd.testing.assert_frame_equal(other.panel, again.panel)
    pd.testing.assert_frame_equal(other.oracle, again.oracle)


def test_the_oracle_is_written_apart_from_the_data(tmp_path):
    simulation = Simulation(first_year=2019, last_year=2021, n_ordinary=5)
    path = tmp_path / "oracle" / "oracle.parquet"
    write_market(tmp_path / "m", simulation, oracle=path)
    assert not [name for name in contents(tmp_path / "m") if "oracle" in name]
    oracle = read_table(FORECASTS, path)
    drawn = simulate_market(replace(simulation, faults=False)).oracle
    pd.testing.assert_frame_equal(oracle, drawn)
    before = path.read_bytes()
    write_market(tmp_path / "m", simulation, oracle=path)
    assert path.read_bytes() == before


def test_the_oracle_forecasts_each_share_from_the_next_session_on():
    simulation = Simulation(first_year=2019, last_year=2021, n_ordinary=5)
    market = simulate_market(simulation)
    oracle = check(market.oracle, FORECASTS)
    assert set(oracle["horizon"]) == {1, 5, 10}
    assert set(oracle["delay"]) == {1}
    sessions = pd.DatetimeIndex(np.unique(market.panel["session"]))
    places = {
        name: sessions.get_indexer(pd.DatetimeIndex(oracle[name]))
        for name in ("origin", "entry_date", "target_date")
    }
    assert (places["entry_date"] - places["origin"] == 1).all()
    assert (places["target_date"] - places["entry_date"] == oracle["horizon"]).all()
    # None spans the half year without files.
    before = oracle["origin"] < "2020-07-01"
    assert (oracle.loc[before, "target_date"] < "2020-07-01").all()
    assert (~before).any()


def test_without_a_signal_the_oracle_forecasts_nothing():
    silent = Simulation(first_year=2013, last_year=2013, n_ordinary=5, signal=0.0)
    assert (simulate_market(silent).oracle["y_hat"] == 0).all()


def slow_memory(rows: pd.DataFrame) -> pd.DataFrame:
    """Follow one share's prints with plain numbers, as anybody with the files can."""
    state, level, variance = [0.0] * 3, [0.0, 14.0, 0.01], [4e-4, 1.0, 1e-4]
    out = []
    for row in rows.itertuples():
        seen = [row.log_return, np.log(row.price * row.volume), abs(row.log_return)]
        for k in range(3):
            news = 0.0
            if not np.isnan(row.volume):
                surprise = seen[k] - level[k]
                news = max(-3.0, min(3.0, surprise / variance[k] ** 0.5))
                level[k] += surprise / 60 if k else 0.0
                variance[k] += (surprise**2 - variance[k]) / 60
            state[k] = 0.85 * state[k] + (1 - 0.85**2) ** 0.5 * news
        out.append((row.session, *state))
    return pd.DataFrame(out, columns=["origin", "price", "busy", "restless"])


def slow_mood(returns: pd.DataFrame) -> "pd.Series[float]":
    mood = level = 0.0
    out = []
    for value in returns.sum(axis=1) / returns.shape[1]:
        surprise = value - level
        mood, level = 0.85 * mood + 0.15 * surprise, level + surprise / 60
        out.append(mood)
    return pd.Series(out, returns.index)


def test_what_is_planted_can_be_read_off_the_printed_numbers():
    market = simulate_market(
        Simulation(first_year=2013, last_year=2017, n_ordinary=6, seed=2)
    )
    rows = with_returns(market.panel)
    # The plan also follows a price that a suspension froze: no masked returns here.
    moves = np.log(rows["adjusted"]).groupby(rows["ticker"]).diff().fillna(0.0)
    rows["log_return"] = moves.where(~rows["gap"], 0.0)
    shares = rows[rows["kind"] != "index"]
    returns = shares.pivot(index="session", columns="ticker", values="log_return")
    mood = slow_mood(returns.fillna(0.0))
    oracle = market.oracle[market.oracle["horizon"] == 1]
    for ticker in ("SCOM", "EQTY", "KCB"):
        memory = slow_memory(rows[rows["ticker"] == ticker]).set_index("origin")
        y_hat = oracle[oracle["ticker"] == ticker].set_index("origin")["y_hat"]
        known = memory.assign(
            product=memory["price"] * memory["busy"], mood=mood.reindex(memory.index)
        ).reindex(y_hat.index)
        # The first guesses are forgotten at 1/60 a session.
        late = slice("2016-01-01", None)
        X, y = known[late].to_numpy(float), y_hat[late].to_numpy(float)
        weights = np.linalg.lstsq(X, y, rcond=None)[0]
        assert np.abs(X @ weights - y).max() < 1e-3 * np.abs(y).max()


def mean_rank_ic(oracle: pd.DataFrame, panel: pd.DataFrame) -> float:
    return float(daily_rank_ic(oracle, panel)["rank_ic"].mean())


def test_the_oracle_orders_the_liquid_shares_and_the_last_move_does_not():
    simulation = Simulation(first_year=2013, last_year=2014, n_ordinary=24)
    liquid = LIQUIDITY_ORDER[:16]
    for signal, expected in ((0.0, 0.0), (0.2, 0.2)):
        found = []
        for seed in (1, 2):
            market = simulate_market(replace(simulation, signal=signal), seed=seed)
            rows = market.oracle[market.oracle["horizon"] == 1]
            rows = rows[rows["ticker"].isin(liquid)]
            moves = with_returns(market.panel)[["ticker", "session", "log_return"]]
            last = rows.merge(moves.rename(columns={"session": "origin"}))
            last = last.assign(y_hat=last["log_return"])
            found.append(mean_rank_ic(last if signal == 0 else rows, market.panel))
        # 16 shares, 2 x 500 sessions: a standard error of 1 / sqrt(15 x 1000) = 0.008.
        assert np.mean(found) == pytest.approx(expected, abs=0.035)
