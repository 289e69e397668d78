"""Phase 2 shows the last ablation, and says how to make one that is not there."""

import numpy as np
import pandas as pd

from nse_lstm.models.ablation import CHANGES
from nse_lstm.pages.architecture import (
    ablation_figure,
    ablation_findings,
    ablation_table,
)
from nse_lstm.reporting.ablation_figures import CHANGE_NAMES
from nse_lstm.study.experiments.ablation import AblationResult
from nse_lstm.tables import ABLATION, check


def result(*, is_current: bool = True) -> AblationResult:
    """Make an ablation where alone L2 helps and dropout harms, and all else is open."""
    spans = {"l2": (-0.2, -0.1), "dropout": (0.1, 0.2)}
    forms = [(c, f) for c in CHANGES for f in ("alone", "removed")] + [("all", "all")]
    rows = []
    for change, form in forms:
        lower, upper = spans.get(change, (-1, 1)) if form == "alone" else (-1, 1)
        middle = (lower + upper) / 2
        values = (change, form, 2.5, 5.0, middle, lower, upper, 3, 5, 2, 2022)
        rows.append(values)
    table = pd.DataFrame(rows, columns=list(ABLATION.columns))
    types = {name: str(column.dtype) for name, column in ABLATION.columns.items()}
    return AblationResult(
        table=check(table.astype(types), ABLATION),
        stocks=("AAA", "<b>"),
        max_epochs=12,
        max_windows=700,
        is_current=is_current,
    )


def test_every_change_has_a_name_on_the_page() -> None:
    assert list(CHANGE_NAMES) == [*CHANGES, "all"]


def test_without_an_ablation_the_page_says_how_to_make_one() -> None:
    assert "make ablation" in ablation_figure(None).html
    assert "<table" not in ablation_table(None).html
    assert ablation_findings(None).html == ""


def test_what_lies_beyond_chance_is_named_and_nothing_else() -> None:
    text = ablation_findings(result()).html
    assert "In 2022 the error is 5.00 times" in text
    assert "2.50 times for v2" in text
    assert "falls with L2 penalty and rises with more dropout, each added alone" in text
    assert "all the others, it falls with nothing and rises with nothing." in text
    assert "renews it" not in text
    assert "renews it" in ablation_findings(result(is_current=False)).html


def test_the_table_says_what_it_was_made_of() -> None:
    shown = ablation_table(result()).html
    assert "AAA, &lt;b&gt;, 5 seeds, at most 700 windows and 12 epochs" in shown
    factor = f"{np.exp(-0.15):.3g} ({np.exp(-0.2):.3g} to {np.exp(-0.1):.3g})"
    assert factor in shown
