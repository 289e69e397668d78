"""The untouched years are handed out once, after everything is frozen."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from support.sealed_study import make_workspace

from nse_lstm.config import Claim, Claims
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.study.core.audit_result import AuditOutcome
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.scored_years import require_scored, scored_years
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.untouched_years import (
    READINGS,
    open_untouched_years,
    was_first_reading,
)
from nse_lstm.study.validation.claims import gather_claims

CLEAN = AuditOutcome(True, "clean")
NOW = datetime(2026, 12, 1, tzinfo=UTC)
PRICE = Claim(
    name="price", model="any", against=("none",), statistic="skill", smallest=0.1
)
MEASURED = pd.DataFrame(
    {"claim": ["price"] * 2, "span": ["all", "known"], "n": [50, 50]}
)


def sealed(root: Path, *, digest: str = "") -> StudyData:
    workspace = make_workspace(root)
    study = workspace.study
    market = replace(study.market, untouched=(2018, 2019))
    claims = Claims(declared=date(2026, 11, 30), family=(PRICE,))
    study = replace(study, market=market, claims=claims)
    data = open_study_data(replace(workspace, study=study))
    return replace(data, facts=replace(data.facts, digest=digest or data.facts.digest))


def test_a_reading_is_written_before_the_years_may_be_scored(tmp_path: Path) -> None:
    data = sealed(tmp_path)
    with pytest.raises(ConfigurationError, match="2019 is kept untouched"):
        require_scored(data.study, 2019)
    found = open_untouched_years(data, MEASURED, audit=CLEAN, name="s", now=NOW)
    assert found.first and found.years == (2018, 2019)
    assert scored_years(found.study, 2017, 2021) == [2017, 2018, 2019, 2020]
    (line,) = read_lines(data.paths.ledger / READINGS)
    assert (line["years"], line["first"]) == ([2018, 2019], True)
    assert line["when"].startswith("2026-12-01")


def test_the_same_study_reads_once_and_another_is_not_the_first(tmp_path: Path) -> None:
    data = sealed(tmp_path)
    for _ in range(2):
        assert open_untouched_years(data, MEASURED, audit=CLEAN, name="s").first
    assert not open_untouched_years(data, MEASURED, audit=CLEAN, name="t").first
    other = sealed(tmp_path, digest="e" * 64)
    assert not open_untouched_years(other, MEASURED, audit=CLEAN, name="s").first
    assert len(read_lines(data.paths.ledger / READINGS)) == 3
    assert was_first_reading(data, name="s") and not was_first_reading(data, name="t")
    with pytest.raises(ArtefactError, match="before anything of them is scored"):
        was_first_reading(data, name="u")


@pytest.mark.parametrize(
    ("claims", "audit", "message"),
    [
        (MEASURED.assign(n=0), CLEAN, "none of price"),
        (MEASURED[:0], CLEAN, "none of price"),
        (MEASURED.assign(span=["all", "untouched"]), CLEAN, "rows of untouched years"),
        (MEASURED, AuditOutcome(None, "not run"), "not run"),
        (MEASURED, AuditOutcome(False, "an alarm"), "an alarm"),
    ],
)
def test_without_a_frozen_study_nothing_is_read(
    tmp_path: Path, claims: pd.DataFrame, audit: AuditOutcome, message: str
) -> None:
    data = sealed(tmp_path)
    with pytest.raises(ArtefactError, match=message):
        open_untouched_years(data, claims, audit=audit)
    assert not (data.paths.ledger / READINGS).exists()


def test_a_market_without_untouched_years_has_nothing_to_read(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    with pytest.raises(ConfigurationError, match="0 years and 0 claims"):
        open_untouched_years(data, MEASURED, audit=CLEAN)


def test_an_untouched_year_in_a_table_is_refused_until_it_was_opened(
    tmp_path: Path,
) -> None:
    data = sealed(tmp_path)
    rows = [
        ("AAA", model, day, 0, 1, hat, 0.01 * (-1) ** place)
        for place, day in enumerate(pd.bdate_range("2019-12-02", periods=40))
        for model, hat in (("any", 0.001 * place), ("none", 0.0))
    ]
    names = ["ticker", "model", "target_date", "delay", "horizon", "y_hat", "y"]
    joined = pd.DataFrame(rows, columns=names).assign(delay=1)
    with pytest.raises(ArtefactError, match="before anything of them is scored"):
        gather_claims(data, joined, pd.DataFrame())
    late = joined[joined["target_date"] >= "2020-01-01"]
    known = gather_claims(data, late, pd.DataFrame())
    open_untouched_years(data, known, audit=CLEAN)
    table = gather_claims(data, joined, pd.DataFrame())
    label = table.set_index("span").loc["untouched", "label"]
    assert label == "confirmatory"
