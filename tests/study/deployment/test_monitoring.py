"""The state of a running shadow test."""

import numpy as np
import pandas as pd
from support.odd_panel import odd_panel

from nse_lstm.study.deployment.monitoring import due_forecasts, shadow_test_states
from nse_lstm.tables import STORED_FORECASTS, check

DIGEST = "0" * 64


def rows(
    origins: pd.DatetimeIndex, stage: str, model: str, y_hat: float
) -> pd.DataFrame:
    table = pd.DataFrame({"origin": origins}).assign(
        ticker="AAA",
        stage=stage,
        model=model,
        version=model,
        target_date=origins + pd.offsets.BusinessDay(1),
        delay=0,
        horizon=1,
        price_hat=np.nan,
        y_hat=y_hat,
        lower=-1.0,
        upper=1.0,
        data_digest=DIGEST,
        flags="",
    )
    return check(table[list(STORED_FORECASTS.columns)], STORED_FORECASTS)


def test_what_is_counted_is_what_was_compared() -> None:
    panel = odd_panel()
    sessions = pd.DatetimeIndex(panel["session"].unique())
    stored = pd.concat(
        [
            rows(sessions[2:12], "champion", "persistence", 0.0),
            rows(sessions[8:19], "challenger", "v2", 0.01),
        ],
        ignore_index=True,
    )
    due = due_forecasts(stored, sessions)
    found = shadow_test_states(stored, due, panel, sessions=sessions)
    # Champion and challenger met at sessions 8 to 11 only.
    assert found[["test", "compared"]].to_numpy().tolist() == [["v2", 4]]
    alone = stored[stored["stage"] == "challenger"]
    due = due_forecasts(alone, sessions)
    found = shadow_test_states(alone, due, panel, sessions=sessions)
    assert found["compared"].tolist() == [0]
    assert found["evidence"].tolist() == [1.0]
