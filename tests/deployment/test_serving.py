from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import V2, Deployment, Market, Study
from nse_lstm.deployment.registry import promote, read_registry
from nse_lstm.deployment.serving import score_latest
from nse_lstm.deployment.staleness import (
    forecast_flags,
    model_flags,
    panel_digest,
    range_flags,
)
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.evaluation.conformal import ERRORS, MISSES, RATE, conformal_intervals
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.features.windows import make_windows
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import load_bundle
from nse_lstm.paths import Paths
from nse_lstm.tables import FORECASTS, STORED_FORECASTS, check

STUDY = Study(market=Market(name="tiny", label="Tiny"))
VERSION = "1" * 64
LOOKBACK = 10


@pytest.fixture
def paths(tmp_path):
    return Paths(root=tmp_path, market="tiny")


@pytest.fixture
def persistent(paths):
    for ticker in ("AAA", "BBB"):
        promote_persistence(paths, ticker)
    return paths


def promote_persistence(paths, ticker):
    promote(
        paths.registry,
        ticker=ticker,
        stage="champion",
        model="persistence",
        version="persistence",
        bundle="",
        evidence="e" * 64,
        why="nothing beat it",
    )


def score(panel, paths, **given):
    return score_latest(panel, study=STUDY, paths=paths, **given)


def with_last(panel, ticker, **values):
    """Change a ticker's last row."""
    changed = panel.copy()
    row = changed.index[changed["ticker"] == ticker][-1]
    for name, value in values.items():
        changed.loc[row, name] = value
    return changed


def test_persistence_forecasts_the_last_printed_price(persistent):
    panel = make_tiny_panel()
    forecasts, refused = score(panel, persistent)
    last = panel[panel["session"] == panel["session"].max()].set_index("ticker")
    # BBB split on session 40: the forecast is in today's shares all the same.
    for row in forecasts.itertuples():
        assert row.price_hat == pytest.approx(last.loc[row.ticker, "price"], rel=1e-12)
        assert row.y_hat == pytest.approx(0, abs=1e-12)
    assert forecasts["ticker"].tolist() == ["AAA", "BBB"]
    assert refused.empty
    check(forecasts, STORED_FORECASTS)


def test_the_target_is_the_next_weekday(persistent):
    # 2020-01-06 is a Monday: 260 weekdays later is Monday 2021-01-04, so 259
    # sessions end on Thursday 2020-12-31 and 260 on Friday 2021-01-01.
    forecasts, _ = score(make_tiny_panel(259), persistent)
    assert set(forecasts["origin"]) == {pd.Timestamp("2020-12-31")}
    assert set(forecasts["target_date"]) == {pd.Timestamp("2021-01-01")}
    forecasts, _ = score(make_tiny_panel(260), persistent)
    assert set(forecasts["target_date"]) == {pd.Timestamp("2021-01-04")}


def test_an_index_alone_on_a_later_day_is_not_the_last_session(persistent):
    panel = make_tiny_panel()
    day = panel["session"].max() + pd.Timedelta(days=1)
    row = panel.iloc[[0]].assign(ticker="^IDX", kind="index", session=day)
    later = pd.concat([panel, row], ignore_index=True)
    found, refused = score(later, persistent)
    expected, _ = score(panel, persistent)
    pd.testing.assert_frame_equal(found, expected)
    assert refused.empty


def test_nothing_after_the_as_of_session_matters(persistent):
    panel = make_tiny_panel()
    as_of = panel["session"].unique()[39]
    other = panel.copy()
    other.loc[other["session"] > as_of, ["price", "factor"]] *= 7
    before, _ = score(panel[panel["session"] <= as_of], persistent)
    for given in (panel, other):
        after, _ = score(given, persistent, as_of=pd.Timestamp(as_of))
        pd.testing.assert_frame_equal(after, before)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"stale": True}, "stale"),
        ({"suspended": True}, "suspended"),
        ({"price": np.nan}, "missing price"),
    ],
)
def test_a_stock_that_cannot_be_forecast_is_named_with_the_reason(
    persistent, values, reason
):
    panel = with_last(make_tiny_panel(), "BBB", **values)
    forecasts, refused = score(panel, persistent)
    assert forecasts["ticker"].tolist() == ["AAA"]
    assert refused[["ticker", "stage", "model"]].to_numpy().tolist() == [
        ["BBB", "champion", "persistence"]
    ]
    assert reason in refused["reason"].item()


def test_a_stock_off_the_board_is_named_too(persistent):
    promote_persistence(persistent, "ZZZ")
    panel = make_tiny_panel()
    last = panel["session"].max()
    panel = panel[(panel["ticker"] != "AAA") | (panel["session"] < last)]
    forecasts, refused = score(panel, persistent)
    assert forecasts["ticker"].tolist() == ["BBB"]
    assert refused["ticker"].tolist() == ["AAA", "ZZZ"]
    assert refused["reason"].str.contains("no row").tolist() == [True, False]


def test_a_board_without_a_forecast_gives_an_empty_valid_table(persistent):
    panel = make_tiny_panel()
    forecasts, refused = score(panel.assign(stale=True), persistent)
    assert check(forecasts, STORED_FORECASTS).empty
    assert len(refused) == 2


def test_scoring_without_a_promotion_is_an_error(paths):
    with pytest.raises(ArtefactError, match="promote first"):
        score(make_tiny_panel(), paths)


def test_scoring_before_the_first_session_is_an_error(persistent):
    with pytest.raises(DataError, match="session up to"):
        score(make_tiny_panel(), persistent, as_of=pd.Timestamp("2019-12-31"))


def test_a_registry_changed_by_hand_serves_nothing(persistent):
    state = persistent.registry / "registry.json"
    state.write_text(state.read_text().replace("AAA", "CCC"))
    with pytest.raises(ArtefactError, match="AAA champion"):
        score(make_tiny_panel(), persistent)


@pytest.fixture
def served(persistent):
    """A real network, unfitted, as BBB's challenger."""
    from nse_lstm.models.architectures import build, describe_v2
    from nse_lstm.models.bundles import save_bundle
    from nse_lstm.models.runtime import keras

    keras.utils.set_random_seed(1)
    about = {
        "ticker": "BBB",
        "architecture": "v2",
        "version": VERSION,
        "seed": 1,
        "lookback": LOOKBACK,
        "horizon": 1,
    }
    network = describe_v2(V2(units=4, dense_units=3, lookback=LOOKBACK))
    save_bundle(
        persistent.models / "v2" / "BBB",
        build(network),
        architecture=network,
        scaler=MinMaxScaler(20.0, 80.0),
        metadata=about,
        history=[],
        run={},
    )
    promote(
        persistent.registry,
        ticker="BBB",
        stage="challenger",
        model="v2",
        version=VERSION,
        bundle="v2/BBB",
        evidence="e" * 64,
        why="close",
    )
    return persistent


@pytest.mark.slow
def test_a_promoted_network_forecasts_beside_the_champion(served):
    from nse_lstm.models.forecasting import forecast, next_window

    panel = make_tiny_panel()
    forecasts, refused = score(panel, served)
    assert refused.empty
    assert forecasts[["ticker", "model"]].to_numpy().tolist() == [
        ["AAA", "persistence"],
        ["BBB", "v2"],
        ["BBB", "persistence"],
    ]
    table = with_returns(panel)
    window = next_window(
        table[table["ticker"] == "BBB"],
        pd.DatetimeIndex(table["session"].unique()).sort_values(),
        lookback=LOOKBACK,
        horizon=1,
    )
    year = pd.Timestamp(window.target_date[0]).year
    bundle = load_bundle(served.models / "v2" / "BBB")
    expected = forecast(bundle, window, year=year)
    row = forecasts[forecasts["model"] == "v2"].reset_index(drop=True)
    same = ["ticker", "model", "origin", "target_date", "price_hat", "y_hat"]
    pd.testing.assert_frame_equal(row[same], expected[same], check_exact=True)
    assert row[["stage", "version", "flags"]].to_numpy().tolist() == [
        ["challenger", VERSION, "unknown_age"]
    ]


@pytest.mark.slow
def test_a_network_with_too_short_a_history_is_refused_alone(served):
    forecasts, refused = score(make_tiny_panel(LOOKBACK - 1), served)
    assert forecasts["model"].tolist() == ["persistence", "persistence"]
    assert refused["model"].tolist() == ["v2"]
    assert "too short" in refused["reason"].item()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["weights.npy", "metadata.json", "scaler.json"])
def test_a_network_changed_after_its_promotion_serves_nothing(served, name):
    entry = read_registry(served.registry)["BBB"]["challenger"]
    path = served.models / entry.bundle / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtefactError, match=f"challenger of BBB .*{name}"):
        score(make_tiny_panel(), served)


def batch(panel, ticker, model="persistence", bundle=None):
    """Forecast every origin at once, and put bands around all of them at once."""
    from nse_lstm.models.forecasting import forecast

    table = with_returns(panel)
    stock = table[table["ticker"] == ticker]
    sessions = market_sessions(table)
    if bundle is None:
        windows = make_windows(stock, sessions, lookback=1, horizon=1)
        rows = persistence(windows, ticker=ticker, year=2020, horizon=1)
    else:
        windows = make_windows(stock, sessions, lookback=LOOKBACK, horizon=1)
        rows = forecast(bundle, windows, year=2020)
    return conformal_intervals(
        realised(rows, panel), alpha=MISSES, window=ERRORS, rate=RATE
    )


@pytest.mark.parametrize("n_known", [0, 20])
def test_an_old_day_scored_again_is_the_batch_s_row_band_included(persistent, n_known):
    """Whether Phase 4 left the first forecasts or none."""
    panel = make_tiny_panel(80)
    rows = batch(panel, "BBB")
    past = rows.head(n_known)[list(FORECASTS.columns)]
    for place in (15, 70):
        found, _ = score(panel, persistent, as_of=rows["origin"].iloc[place], past=past)
        row = found[found["ticker"] == "BBB"].reset_index(drop=True)
        same = ["origin", "target_date", "price_hat", "y_hat", "lower", "upper"]
        expected = rows.iloc[[place]].reset_index(drop=True)
        pd.testing.assert_frame_equal(row[same], expected[same], check_exact=True)
        assert np.isfinite(row["upper"].item())


def test_too_few_errors_leave_a_band_open(persistent):
    # Four errors hold a fifth with probability 4/5 at most.
    few, _ = score(make_tiny_panel(5), persistent)
    assert np.isposinf(few["upper"]).all()
    enough, _ = score(make_tiny_panel(20), persistent)
    assert np.isfinite(enough["upper"]).all()


def test_another_future_moves_neither_band_nor_digest(persistent):
    panel = make_tiny_panel()
    as_of = pd.Timestamp(panel["session"].unique()[39])
    other = panel.copy()
    other.loc[other["session"] > as_of, ["price", "factor", "volume"]] *= 7
    past = batch(other, "AAA")[list(FORECASTS.columns)]
    before, _ = score(panel[panel["session"] <= as_of], persistent, past=past)
    after, _ = score(other, persistent, as_of=as_of, past=past)
    pd.testing.assert_frame_equal(after, before, check_exact=True)


def test_the_digest_is_of_the_data_and_not_of_the_files(persistent):
    panel = make_tiny_panel()
    shuffled = panel.sample(frac=1, random_state=1).assign(source_file="other.csv")
    changed = panel.copy()
    changed.loc[3, "volume"] += 1
    digests = [panel_digest(table) for table in (panel, shuffled, changed)]
    assert digests[0] == digests[1] != digests[2]
    assert set(score(panel, persistent)[0]["data_digest"]) == {digests[0]}


def test_a_stale_panel_is_refused_or_flagged_as_the_study_says(persistent):
    # The last session is Friday 2020-03-27: the fifth weekday after is Friday 04-03.
    panel = make_tiny_panel(60)
    friday, monday = pd.Timestamp("2020-04-03"), pd.Timestamp("2020-04-06")
    fresh, _ = score(panel, persistent, as_of=friday)
    assert set(fresh["flags"]) == {""}
    none, refused = score(panel, persistent, as_of=monday)
    assert none.empty
    assert len(refused) == 2
    assert refused["reason"].str.contains("2020-03-27, 6 before").all()
    limits = Deployment(on_stale_panel="flag")
    flagged, _ = score_latest(
        panel,
        study=replace(STUDY, deployment=limits),
        paths=persistent,
        as_of=monday,
    )
    assert set(flagged["flags"]) == {"stale_panel"}


def test_a_stored_model_ages_and_never_forecasts_what_it_was_fitted_on():
    about = {
        "train": {"last_target": "2023-06-30"},
        "validation": {"last_origin": "2023-12-28", "last_target": "2023-12-29"},
    }
    limits = Deployment(max_model_age=5)
    # Friday 2023-12-29; the fifth weekday after is Friday 2024-01-05.
    assert model_flags(about, pd.Timestamp("2023-12-29"), limits) == []
    assert model_flags(about, pd.Timestamp("2024-01-05"), limits) == []
    assert model_flags(about, pd.Timestamp("2024-01-08"), limits) == ["stale_model"]
    with pytest.raises(DataError, match="one fitted through 2023-12-29"):
        model_flags(about, pd.Timestamp("2023-12-28"), limits)
    refusing = Deployment(max_model_age=5, on_stale_model="refuse")
    with pytest.raises(DataError, match="2023-12-29, 6 before"):
        model_flags(about, pd.Timestamp("2024-01-08"), refusing)
    assert model_flags({}, pd.Timestamp("2024-01-08"), limits) == ["unknown_age"]


@pytest.mark.parametrize(
    ("prices", "flags"),
    [
        ([20.0, 80.0], []),
        # A margin of a quarter of the 60 between them is 15.
        ([5.0, 95.0], []),
        ([4.9, 50.0], ["outside_range"]),
        ([50.0, 95.1], ["outside_range"]),
    ],
)
def test_prices_far_outside_the_trained_range_are_flagged(prices, flags):
    scaler, limits = MinMaxScaler(20.0, 80.0), Deployment(range_margin=0.25)
    assert range_flags(scaler, np.array([prices]), limits) == flags
    if flags:
        refusing = Deployment(range_margin=0.25, on_outside_range="refuse")
        with pytest.raises(DataError, match=r"\[20.00, 80.00\] KES"):
            range_flags(scaler, np.array([prices]), refusing)


@pytest.mark.slow
def test_a_network_asked_for_an_old_day_gives_the_batch_s_row(served):
    panel = make_tiny_panel(80)
    bundle = load_bundle(served.models / "v2" / "BBB")
    rows = batch(panel, "BBB", "v2", bundle)
    other = panel.copy()
    for place in (5, 40):
        origin = rows["origin"].iloc[place]
        other.loc[other["session"] > origin, "price"] *= 1.5
        found, _ = score(other, served, as_of=origin)
        row = found[found["model"] == "v2"].reset_index(drop=True)
        same = ["price_hat", "y_hat", "lower", "upper"]
        expected = rows.iloc[[place]].reset_index(drop=True)
        pd.testing.assert_frame_equal(row[same], expected[same], check_exact=True)
        other = panel.copy()


def series(hats: list[float], lasts: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"price_hat": hats, "y_hat": np.log(np.array(hats) / np.array(lasts))}
    )


def test_a_forecast_beyond_the_daily_limit_is_flagged():
    none = series([], [])
    assert forecast_flags(series([11.0], [10.0]), none, limit=0.1) == []
    assert forecast_flags(series([11.2], [10.0]), none, limit=0.1) == ["beyond_limit"]
    # A price at or below 0 has no log return.
    negative = pd.DataFrame({"price_hat": [-3.0], "y_hat": [np.nan]})
    assert forecast_flags(negative, none, limit=0.1) == ["beyond_limit"]
    # Without a limit only such a price is beyond any.
    assert forecast_flags(negative, none, limit=np.inf) == ["beyond_limit"]
    assert forecast_flags(series([30.0], [10.0]), none, limit=np.inf) == []
    # A forecast of a return alone has no price.
    alone = pd.DataFrame({"price_hat": [np.nan], "y_hat": [0.4]})
    assert forecast_flags(alone, none, limit=0.1) == []


def test_a_flat_line_is_flagged_and_persistence_is_not():
    lasts = (20 + np.sin(np.arange(60))).tolist()
    flat = series([20.0] * 59, lasts[:-1])
    assert forecast_flags(series([20.0], lasts[-1:]), flat, limit=0.1) == ["flat"]
    same = series(lasts[:-1], lasts[:-1])
    assert forecast_flags(series(lasts[-1:], lasts[-1:]), same, limit=0.1) == []
