"""Origins by condition: each is the session that its condition says."""

import pandas as pd
import pytest

from nse_lstm.features.folds import make_folds
from nse_lstm.study.audit.origins import KINDS, find_origins

(FOLD,) = make_folds(2024, 0)
SESSIONS = pd.bdate_range("2023-11-01", "2024-12-31").as_unit("us")
STALE, EX_DATE, GAP = (
    pd.Timestamp(f"2024-{day}") for day in ("05-14", "08-06", "11-20")
)


def prices() -> pd.DataFrame:
    table = pd.DataFrame({"ticker": "AAA", "session": SESSIONS, "kind": "ordinary"})
    return table.assign(
        stale=table["session"] == STALE,
        factor=1.0 + (table["session"] == EX_DATE),
        gap=table["session"] == GAP,
    )


@pytest.mark.parametrize("seed", range(5))
def test_one_origin_of_each_kind_at_its_own_session(seed: int) -> None:
    found = {each.kind: each.session for each in find_origins(prices(), FOLD, seed)}
    assert tuple(found) == KINDS
    day = pd.offsets.BDay()
    assert found["last training row"] == pd.Timestamp("2023-12-29")
    assert found["stale session"] == STALE - day
    assert found["ex-date"] == EX_DATE - day
    assert found["gap"] == GAP - day
    assert pd.Timestamp("2024-01-02") <= found["first sessions"] <= FOLD.start + 5 * day
    assert found["month start"].day <= 4 and found["month start"].month > 1
    assert found["middle"].month in range(3, 11)


def test_a_fold_without_a_condition_lacks_that_origin() -> None:
    plain = prices().assign(stale=False, factor=1.0, gap=False)
    kinds = {each.kind for each in find_origins(plain, FOLD, 0)}
    assert set(KINDS) - kinds == {"stale session", "ex-date", "gap"}
