"""What the operator reads after scoring."""

import pandas as pd

from nse_lstm.cli.deployment import refusal_lines


def test_a_reason_is_said_once_with_the_models_that_it_stops() -> None:
    rows = [
        ("SCOM", "champion", "persistence", "the files are old"),
        ("SCOM", "challenger", "v2", "the files are old"),
        ("KCB", "champion", "v2", "suspended"),
    ]
    table = pd.DataFrame(rows, columns=["ticker", "stage", "model", "reason"])
    assert refusal_lines(table) == [
        "No forecast of SCOM (2 models): the files are old",
        "No forecast of KCB (champion v2): suspended",
    ]
    assert refusal_lines(table.iloc[:0]) == []
