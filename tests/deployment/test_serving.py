import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import V2, Market, Study
from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.serving import score_latest
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.paths import Paths
from nse_lstm.tables import FORECASTS, check

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
    check(forecasts, FORECASTS)


def test_the_target_is_the_next_weekday_and_its_year_the_fold(persistent):
    # 2020-01-06 is a Monday: 260 weekdays later is Monday 2021-01-04, so 259
    # sessions end on Thursday 2020-12-31 and 260 on Friday 2021-01-01.
    forecasts, _ = score(make_tiny_panel(259), persistent)
    assert set(forecasts["origin"]) == {pd.Timestamp("2020-12-31")}
    assert set(forecasts["target_date"]) == {pd.Timestamp("2021-01-01")}
    assert set(forecasts["fold"]) == {2021}
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
    assert check(forecasts, FORECASTS).empty
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
    from nse_lstm.features.scaling import MinMaxScaler
    from nse_lstm.models.architectures import build_v2
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
    save_bundle(
        persistent.models / "v2" / "BBB",
        build_v2(LOOKBACK, V2(units=4, dense_units=3, lookback=LOOKBACK)),
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
    from nse_lstm.features.returns import with_returns
    from nse_lstm.models.bundles import load_bundle
    from nse_lstm.models.forecasting import forecast_latest

    panel = make_tiny_panel()
    forecasts, refused = score(panel, served)
    assert refused.empty
    assert forecasts[["ticker", "model"]].to_numpy().tolist() == [
        ["AAA", "persistence"],
        ["BBB", "v2"],
        ["BBB", "persistence"],
    ]
    table = with_returns(panel)
    expected = forecast_latest(
        load_bundle(served.models / "v2" / "BBB"),
        table[table["ticker"] == "BBB"],
        pd.DatetimeIndex(table["session"].unique()).sort_values(),
    )
    row = forecasts[forecasts["model"] == "v2"].reset_index(drop=True)
    pd.testing.assert_frame_equal(row, expected)


@pytest.mark.slow
def test_a_network_with_too_short_a_history_is_refused_alone(served):
    forecasts, refused = score(make_tiny_panel(LOOKBACK - 1), served)
    assert forecasts["model"].tolist() == ["persistence", "persistence"]
    assert refused["model"].tolist() == ["v2"]
    assert "too short" in refused["reason"].item()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.keras", "metadata.json", "scaler.json"])
def test_a_network_changed_after_its_promotion_serves_nothing(served, name):
    path = served.models / "v2" / "BBB" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtefactError, match=f"challenger of BBB .*{name}"):
        score(make_tiny_panel(), served)
