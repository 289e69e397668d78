import pandas as pd

from nse_lstm.reporting.markdown import markdown_table, markdown_text
from nse_lstm.reporting.status import render_markdown

HOSTILE = "<script>|[x](http://a)\n# no"


def test_text_from_data_cannot_become_markup() -> None:
    shown = markdown_text(HOSTILE)
    assert "<script" not in shown.replace(r"\<", "")
    assert "\n" not in shown
    assert r"\|" in shown and r"\[x\]" in shown and r"\#" in shown


def test_a_cell_stays_one_cell() -> None:
    table = markdown_table(pd.DataFrame({HOSTILE: [HOSTILE], "n": [1]}))
    lines = table.splitlines()
    assert len(lines) == 3
    bare = [line.replace(r"\|", "") for line in lines]
    assert [line.count("|") for line in bare] == [3, 3, 3]


def test_missing_is_a_dash_and_truth_is_yes_or_no() -> None:
    met = pd.array([True, False, None], dtype="boolean")
    table = pd.DataFrame({"met": met, "found": ["1", None, float("nan")]})
    assert markdown_table(table).splitlines()[2:] == [
        "| yes | 1 |",
        "| no | – |",
        "| – | – |",
    ]


def test_a_template_escapes_what_it_is_given() -> None:
    nothing = pd.DataFrame()
    text = render_markdown(
        "results.md.j2",
        market={"label": HOSTILE, "name": "m", "citation": HOSTILE},
        facts={
            "test_year": 2024,
            "n_tickers": 1,
            "n_rows": 1,
            "first_session": "a",
            "last_session": "b",
            "digest": "d",
        },
        configuration="c",
        declared={"model": "v2", "rule": "gate"},
        backtest={"headline_cost_bps": 66},
        verdict={"sentence": HOSTILE},
        basis="",
        evidence=[HOSTILE],
        test_year_label=HOSTILE,
        n_trials=1,
        cautions=[],
        expected=nothing,
        comparison=nothing,
        accuracy=nothing,
        net=nothing,
        strategies=nothing,
        selection=nothing,
        safety=nothing,
    )
    assert "<script" not in text.replace(r"\<", "")
    assert text.endswith("\n") and not text.endswith("\n\n")
