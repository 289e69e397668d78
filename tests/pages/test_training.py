"""What Phase 3's page says of the training runs."""

import pandas as pd

from nse_lstm.pages.training import training_findings
from nse_lstm.study.tools.artefact_diff import TIMES


def summary(slower: float) -> pd.DataFrame:
    rows = [("v2", "AAA", 20.0), ("v2", "BBB", 30.0)]
    rows += [("stock_lstm", "ALL", 9.0), ("stock_lstm", "AAA", 12.0)]
    table = pd.DataFrame(rows, columns=["model", "ticker", "seconds"])
    table["seconds"] *= [slower, 1.0, 1.0, slower]
    return table.assign(
        year=2024, best_epoch=[1, 2, 3, 0], epochs=4, validation_loss=0.01
    )


def test_two_builds_differ_in_durations_alone_which_the_comparison_leaves_out() -> None:
    pages = [training_findings(summary(slower)).html for slower in (1.0, 1.7)]
    assert pages[0] != pages[1]
    assert "took 21 s of processor time, v2 50 s" in pages[0]
    assert len({TIMES.sub("#", page) for page in pages}) == 1
