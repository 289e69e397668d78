"""Which of many forecasts is better, with what arch leaves to its caller."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.errors import TableError
from nse_lstm.evaluation.multiple_comparison import (
    model_confidence_set,
    romano_wolf_stepm,
    spa_test,
)

QUICK = {"block": 5, "reps": 300, "seed": 1}


def make_losses(seed: int = 3, n: int = 200) -> pd.DataFrame:
    """Persistence, a clearly better model, an equal one and a wild one."""
    rng = np.random.default_rng(seed)
    base = rng.normal(1, 0.1, n)
    return pd.DataFrame(
        {
            "persistence": base,
            "better": base - rng.normal(0.02, 0.05, n),
            "equal": base + rng.normal(0, 0.05, n),
            "wild": base + rng.normal(0, 20, n),
        }
    )


def test_one_wild_model_does_not_hide_a_better_one():
    losses = make_losses()
    found = spa_test(losses, benchmark="persistence", **QUICK)
    assert found.consistent < 0.01
    assert found.better == ("better",)
    # arch alone compares plain means, whatever its `studentize` says.
    plain = spa_test(losses, benchmark="persistence", studentized=False, **QUICK)
    assert plain.consistent > 0.2


@given(st.integers(0, 10_000), st.floats(0.1, 100))
@settings(max_examples=10)
def test_the_unit_of_the_losses_does_not_matter(seed, unit):
    losses = make_losses(seed, n=60)
    found = spa_test(losses, benchmark="persistence", **QUICK)
    scaled = spa_test(losses * unit, benchmark="persistence", **QUICK)
    assert (scaled.lower, scaled.consistent, scaled.upper) == pytest.approx(
        (found.lower, found.consistent, found.upper), abs=2 / 300
    )
    assert found.lower <= found.consistent <= found.upper


def test_the_steps_find_the_second_once_the_first_is_out():
    losses = make_losses()
    found = romano_wolf_stepm(losses, benchmark="persistence", **QUICK)
    assert found == ("better",)
    # All chosen, over one step or two: arch 8.0's own StepM fails there.
    both = losses[["persistence", "better"]].assign(best=losses["better"] - 0.5)
    assert romano_wolf_stepm(both, benchmark="persistence", **QUICK) == (
        "better",
        "best",
    )


def test_the_confidence_set_drops_what_is_surely_worse():
    losses = make_losses()[["persistence", "better", "equal"]]
    found = model_confidence_set(losses, size=0.1, **QUICK)
    assert found.loc[found["included"], "model"].tolist() == ["better"]
    assert found.set_index("model")["p_value"]["better"] == 1.0


def test_models_with_the_same_losses_share_one_answer():
    losses = make_losses()[["persistence", "better"]].assign(
        again=make_losses()["better"]
    )
    found = model_confidence_set(losses, size=0.1, **QUICK).set_index("model")
    assert found["p_value"]["again"] == found["p_value"]["better"]
    alone = model_confidence_set(losses[["again", "better"]], size=0.1, **QUICK)
    assert alone["included"].all() and (alone["p_value"] == 1).all()
    assert spa_test(losses, benchmark="persistence", **QUICK).consistent < 0.01


def test_the_method_of_the_confidence_set_matters_and_is_stated():
    # evaluation_refs.md 1.5: "max" keeps all five (smallest p .106), "R" only E.
    errors = np.random.default_rng(7).normal(size=(250, 5))
    losses = pd.DataFrame((errors * [1, 1, 1.05, 1.1, 0.8]) ** 2, columns=list("ABCDE"))
    same = {"size": 0.1, "block": 10, "reps": 1000, "seed": 2062186019}
    found = model_confidence_set(losses, method="max", **same)
    assert found["included"].all()
    assert found["p_value"].min() == pytest.approx(0.106)


def test_the_same_seed_gives_the_same_answer():
    losses = make_losses()
    first, second = (
        spa_test(losses, benchmark="persistence", **QUICK) for _ in range(2)
    )
    assert first == second


def test_tables_without_a_comparison_are_refused():
    losses = make_losses()
    with pytest.raises(TableError, match="losses of v2"):
        spa_test(losses, benchmark="v2", **QUICK)
    with pytest.raises(TableError, match="differs from persistence"):
        spa_test(losses[["persistence"]], benchmark="persistence", **QUICK)
    missing = losses.copy()
    missing.loc[0, "wild"] = np.nan
    with pytest.raises(TableError, match="1 missing"):
        model_confidence_set(missing, size=0.1, **QUICK)
