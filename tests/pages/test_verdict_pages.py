"""Each of the three answers, from an account to the pages it stands on."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Backtest, Verdict
from nse_lstm.evaluation.verdict import judge
from nse_lstm.json_files import write_json
from nse_lstm.pages.index import write_index
from nse_lstm.pages.results import write_results
from nse_lstm.pages.status import write_status
from nse_lstm.paths import write_text
from nse_lstm.reporting.pages import render_notebook
from nse_lstm.study.core.audit_result import read_audit
from nse_lstm.study.core.sealed_year import YearEvaluation
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.verdict import read_verdict, verdict_document
from nse_lstm.study.core.workspace import Workspace

N = 750
EVALUATION = YearEvaluation(2024, "exploratory", 2)
# A session's mean net return over cash: of a deviation of 0.5 %, so that 0.1 % has a
# yearly Sharpe ratio of 3, which three years tell from zero and from nothing else.
MEANS = {"yes": 0.001, "no": -0.001, "undecided": 0.0}


def account(mean: float, *, model: str = "v2", rule: str = "gate") -> pd.DataFrame:
    """Return one stock's account whose excess is exactly of this mean."""
    cash = Backtest().cash_rate / 250
    noise = np.random.default_rng(3).normal(0, 0.005, N)
    net = cash + mean + noise - noise.mean()
    return pd.DataFrame(
        {
            "ticker": "AAA",
            "model": model,
            "seed": 1,
            "fold": 2021,
            "rule": rule,
            "cost_bps": 66,
            "session": pd.bdate_range("2021-01-04", periods=N),
            "position": 1.0,
            "turnover": 0.0,
            "gross_return": net,
            "net_return": net,
            "cash_return": cash,
            "stock_return": 0.0,
        }
    )


@pytest.fixture(params=list(MEANS))
def judged(request, finished: Workspace) -> Iterator[tuple[str, Workspace]]:
    """Leave the verdict on an account of one of the three means, and take it back."""
    path = finished.paths.evaluation / "verdict.json"
    before = path.read_text()
    judgement = judge(
        account(MEANS[request.param]),
        account(0.0, model="buy_and_hold", rule="hold").assign(
            net_return=Backtest().cash_rate / 250
        ),
        backtest=Backtest(),
        verdict=Verdict(bootstrap_reps=200),
        seed=1,
        deflated_sharpe=0.99,
        audit_clean=True,
    )
    assert judgement.answer == request.param
    data = open_study_data(finished)
    write_json(
        path,
        verdict_document(
            data,
            judgement,
            audit=read_audit(data),
            evaluation=EVALUATION,
            n_trials=24,
        ),
    )
    yield request.param, finished
    write_text(path, before)


def leave_notebook(folder: Path, name: str) -> Path:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title\n\n**Why?**")]
    about = {"label": "A market", "simulated": True, "citation": "", "provenance": {}}
    notebook.metadata["nse_lstm"] = about
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def test_every_answer_stands_first_on_every_page(judged, tmp_path: Path) -> None:
    answer, workspace = judged
    sentence = {
        "yes": "Yes: after costs",
        "no": "No: after costs",
        "undecided": "No evidence of profit: the",
    }[answer]
    source = leave_notebook(workspace.paths.build, "01_data_analysis")
    render_notebook(source, tmp_path / "01.html", verdict=read_verdict(workspace))
    write_index(workspace, tmp_path / "index.html")
    write_status(workspace, tmp_path / "status.html")
    source.unlink()
    for name, mark in (("01", "verdict"), ("status", "verdict"), ("index", "finding")):
        page = (tmp_path / f"{name}.html").read_text().split("<main>")[1]
        # The glossary's links aside.
        main = re.sub(r'<a class="term"[^>]*>(.*?)</a>', r"\1", page)
        assert f'class="{mark} {answer}"' in main
        # z / sqrt(3 years) = 1.96 / 1.732 = 1.13
        assert "Smallest detectable yearly Sharpe ratio: 1.1." in main
        assert "test year 2024 is exploratory" in main
        assert main.index(sentence) < main.index("Smallest detectable")
    text = (tmp_path / "status.md").read_text()
    assert text.index(sentence) < text.index("## Quick Status")
    assert "exploratory: this year had been evalua" in text


def test_every_answer_stands_on_the_results_page(judged) -> None:
    answer, workspace = judged
    text = write_results(workspace).read_text()
    start = text.index("**")
    words = {"undecided": "no evidence of profit"}.get(answer, answer)
    assert text[start + 2 :].lower().startswith(words)
    assert "2024 is exploratory" in text and "24 strategies" in text
