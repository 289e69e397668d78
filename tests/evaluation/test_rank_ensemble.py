"""Blends: the arithmetic of a session by hand, and what is left out."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.errors import TableError
from nse_lstm.evaluation.rank_ensemble import (
    AIM,
    average_ranks,
    fit_ensemble_weights,
    mean_over_seeds,
)
from nse_lstm.tables import FORECASTS, check

DAY = pd.Timestamp(2022, 3, 1)


def rows(
    model: str, y_hat: dict[str, float], *, seed: int = 1, session: int = 0
) -> pd.DataFrame:
    table = pd.DataFrame({"ticker": list(y_hat), "y_hat": list(y_hat.values())})
    origin = DAY + pd.Timedelta(days=session)
    return table.assign(
        model=model,
        seed=seed,
        fold=2022,
        origin=origin,
        delay=1,
        horizon=5,
        entry_date=origin + pd.Timedelta(days=1),
        target_date=origin + pd.Timedelta(days=6),
        price_hat=np.nan,
        lower=np.nan,
        upper=np.nan,
    )


def forecasts(*blocks: pd.DataFrame) -> pd.DataFrame:
    table = pd.concat(blocks, ignore_index=True)
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return check(table[list(types)].astype(types), FORECASTS)


def test_a_blend_is_the_mean_rank_in_the_members_unit() -> None:
    # Ranks less their mean: a gives -1, 0, 1 and b gives 0, -1, 1; mean -.5, -.5, 1.
    a, b = {"AAA": 0.00, "BBB": 0.01, "CCC": 0.05}, {"AAA": 0.2, "BBB": 0.1, "CCC": 0.3}
    table = average_ranks(
        forecasts(rows("a", a), rows("b", b)), ["a", "b"], name="both"
    )
    # a: sum of rank times value is -0 + 0.05, over 2: 0.025; b: (-0.1 + 0.3) / 2: 0.1.
    unit = (0.025 + 0.1) / 2
    expected = {"AAA": -0.5 * unit, "BBB": -0.5 * unit, "CCC": 1.0 * unit}
    assert table.set_index("ticker")["y_hat"].to_dict() == pytest.approx(expected)
    assert set(table["model"]) == {"both"}


def test_a_share_that_a_member_lacks_is_left_out() -> None:
    a = {"AAA": 0.0, "BBB": 0.1, "CCC": 0.2}
    b = {"AAA": 0.3, "BBB": np.nan}
    table = average_ranks(
        forecasts(rows("a", a), rows("b", b)), ["a", "b"], name="both"
    )
    assert table["ticker"].tolist() == ["AAA"]


def test_sessions_do_not_touch_each_other() -> None:
    one, other = {"AAA": 0.0, "BBB": 0.1}, {"AAA": 7.0, "BBB": -7.0}
    alone = average_ranks(
        forecasts(rows("a", one), rows("b", one)), ["a", "b"], name="both"
    )
    both = average_ranks(
        forecasts(
            rows("a", one),
            rows("b", one),
            rows("a", other, session=1),
            rows("b", other, session=1),
        ),
        ["a", "b"],
        name="both",
    )
    first = both[both["origin"] == DAY].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, alone, check_exact=True)


def test_a_session_without_order_is_flat() -> None:
    same = {"AAA": 0.1, "BBB": 0.1}
    table = average_ranks(
        forecasts(rows("a", same), rows("b", same)), ["a", "b"], name="both"
    )
    assert table["y_hat"].tolist() == [0.0, 0.0]


def test_a_member_without_forecasts_is_an_error() -> None:
    with pytest.raises(TableError, match="none of b"):
        average_ranks(forecasts(rows("a", {"AAA": 0.1})), ["a", "b"], name="both")


def test_seeds_are_averaged_share_by_share() -> None:
    table = mean_over_seeds(
        forecasts(
            rows("rank_lstm", {"AAA": 0.1, "BBB": 0.2}, seed=1),
            rows("rank_lstm", {"AAA": 0.3, "BBB": 0.0}, seed=2),
        ),
        seed=1,
    )
    assert table.set_index("ticker")["y_hat"].to_dict() == pytest.approx(
        {"AAA": 0.2, "BBB": 0.1}
    )
    assert table["seed"].tolist() == [1, 1]


def years(first: int, *, luck: int, n: int = 30) -> pd.DataFrame:
    """Two members of two years: one knows what came, the other is noise."""
    random = np.random.default_rng(luck)
    blocks = []
    for year in (first, first + 1):
        for session in range(n):
            came = dict(zip("ABCDE", random.normal(size=5), strict=True))
            noise = dict(zip("ABCDE", random.normal(size=5), strict=True))
            for model, y_hat in (("knows", came), ("noise", noise)):
                block = rows(model, y_hat, session=session)
                shift = pd.DateOffset(years=year - 2022)
                for date in ("origin", "entry_date", "target_date"):
                    block[date] = block[date] + shift
                blocks.append(block.assign(fold=year, y=list(came.values())))
    return pd.concat(blocks, ignore_index=True)


def test_weights_are_those_of_the_years_before_and_equal_without_any() -> None:
    table = fit_ensemble_weights(years(2021, luck=1), ["noise", "knows"])
    assert table.loc[2021, 1, 5].tolist() == [0.5, 0.5]
    # One is always right: whatever is taken from the other lowers the blend's rank IC.
    assert table.loc[2022, 1, 5].to_dict() == {"noise": 0.0, "knows": 1.0}


def test_what_comes_later_moves_no_weight() -> None:
    joined = years(2021, luck=2)
    late = joined["target_date"] >= pd.Timestamp(2022, 1, 1)
    other = joined.assign(y=joined["y"].mask(late, -joined["y"]))
    members = ["noise", "knows"]
    pd.testing.assert_frame_equal(
        fit_ensemble_weights(joined, members), fit_ensemble_weights(other, members)
    )


def test_weights_share_out_the_ranks() -> None:
    a, b = {"AAA": 0.00, "BBB": 0.01, "CCC": 0.05}, {"AAA": 0.2, "BBB": 0.1, "CCC": 0.3}
    index = pd.MultiIndex.from_tuples([(2022, 1, 5)], names=AIM)
    weights = pd.DataFrame({"a": [0.8], "b": [0.2]}, index=index)
    both = forecasts(rows("a", a), rows("b", b))
    table = average_ranks(both, ["a", "b"], name="both", weights=weights)
    # Slopes 0.025 and 0.1 as above; ranks 0.8 (-1, 0, 1) + 0.2 (0, -1, 1).
    unit = 0.8 * 0.025 + 0.2 * 0.1
    expected = {"AAA": -0.8 * unit, "BBB": -0.2 * unit, "CCC": 1.0 * unit}
    assert table.set_index("ticker")["y_hat"].to_dict() == pytest.approx(expected)
    with pytest.raises(TableError, match="none for 3 of 3 rows"):
        average_ranks(both, ["a", "b"], name="both", weights=weights[:0])
