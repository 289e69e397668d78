"""The how-to of a claim of one's own, on its own study file."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.places import ROOT

from nse_lstm.config import Study, load_study
from nse_lstm.config.settings import Statistic
from nse_lstm.study.validation.claims import squared_error_series

PAGE = (ROOT / "docs" / "own_claim.md").read_text(encoding="utf-8")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(block.replace("study.toml", str(ROOT / "study.toml")))
    return load_study(path)


def test_the_list_replaces_the_studys_and_changes_nothing_else(study: Study) -> None:
    assert [each.name for each in study.claims.family] == ["beats_ar1", "ridge_ranks"]
    usual = load_study(ROOT / "study.toml")
    assert (study.folds, study.backtest) == (usual.folds, usual.backtest)


def test_a_model_is_claimed_against_another_one(study: Study) -> None:
    """The stock LSTM knows half of each move, AR(1) a quarter: skill 1 - .25/.5625."""
    moves = np.array([0.01, -0.02, 0.03, -0.01])
    origins = pd.bdate_range("2021-01-04", periods=4)
    rows = [
        pd.DataFrame(
            {
                "ticker": "SCOM",
                "model": model,
                "origin": origins,
                "target_date": origins + pd.offsets.BusinessDay(1),
                "horizon": 1,
                "delay": 0,
                "y": moves,
                "y_hat": known * moves,
            }
        )
        for model, known in (("stock_lstm", 0.5), ("ar1", 0.25))
    ]
    found = squared_error_series(pd.concat(rows), study.claims.family[0])
    assert found is not None
    effect = found.gain.sum() / found.base.sum()
    assert effect == pytest.approx(1 - 0.25 / 0.5625)


def test_the_table_names_every_measure() -> None:
    named = re.findall(r"^\| `(\w+)` \| (?!measure)", PAGE, re.MULTILINE)
    assert sorted(named) == sorted(Statistic.__args__)
