"""The roll-out: stable, monotone, and no evidence."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from nse_lstm.deployment.rollout import (
    STEP_SESSIONS,
    STEPS,
    is_exposed,
    rollout_exposure,
    rollout_position,
)
from nse_lstm.errors import StudyError

TICKERS = [f"T{number}" for number in range(400)]


def exposed(test: str, exposure: float) -> set[str]:
    return {name for name in TICKERS if is_exposed(test, name, exposure=exposure)}


def test_a_stock_that_is_in_stays_in():
    before: set[str] = set()
    for step in (0.0, *STEPS):
        now = exposed("v2", step)
        assert before <= now
        before = now
    assert exposed("v2", 0.0) == set()
    assert exposed("v2", 1.0) == set(TICKERS)


@pytest.mark.parametrize("step", [0.1, 0.5])
def test_about_the_stated_share_is_in(step):
    # Binomial of 400: four deviations, 0.06 at a tenth and 0.1 at a half.
    allowed = 4 * np.sqrt(step * (1 - step) / len(TICKERS))
    assert len(exposed("v2", step)) / len(TICKERS) == pytest.approx(step, abs=allowed)


def test_another_test_begins_with_other_stocks():
    assert exposed("v2", 0.1) != exposed("rank_lstm", 0.1)


def test_a_renamed_model_keeps_the_order_of_its_seed_label():
    digest = hashlib.sha256(b"v3\nSCOM").digest()
    expected = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    assert rollout_position("rank_lstm", "SCOM") == expected
    assert rollout_position("v3", "SCOM") == expected


def test_every_process_agrees_where_a_stock_stands():
    code = (
        "from nse_lstm.deployment.rollout import rollout_position;"
        "print(repr(rollout_position('v2', 'SCOM')))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert said == {repr(rollout_position("v2", "SCOM"))}


def test_the_steps_follow_the_first_time_the_evidence_is_enough():
    n = 2 * STEP_SESSIONS + 5
    evidence = np.r_[1.0, 19.9, 20.0, np.full(n, 0.1)]  # what it does later is nothing
    found = rollout_exposure(evidence, alarmed=np.zeros(evidence.size, bool))
    expected = [0.0, 0.0, *[0.1] * STEP_SESSIONS, *[0.5] * STEP_SESSIONS]
    assert found.tolist() == expected + [1.0] * (evidence.size - len(expected))


def test_an_alarm_takes_a_promoted_challenger_out_for_good():
    evidence = np.full(6, 30.0)
    evidence[:2] = 1.0
    alarmed = np.zeros(6, bool)
    alarmed[0] = True  # in the shadow: nobody was served
    assert rollout_exposure(evidence, alarmed=alarmed).tolist() == [0, 0, *[0.1] * 4]
    alarmed[4] = True
    assert rollout_exposure(evidence, alarmed=alarmed).tolist() == [
        0,
        0,
        0.1,
        0.1,
        0,
        0,
    ]


def test_a_share_beyond_all_is_refused():
    with pytest.raises(StudyError, match="from 0 to 1"):
        is_exposed("v2", "SCOM", exposure=10)
