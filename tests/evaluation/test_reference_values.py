"""Published and independently computed values, each met by our function.

``reference_values.json`` names the source of every case. Values that are simulations
or another library's own convention are met in the sense that their test says.
"""

import json
import math
from collections.abc import Callable
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, norm

from nse_lstm.evaluation import conformal, metrics, sharpe, significance
from nse_lstm.evaluation.comparison import (
    adjusted_difference,
    clark_west,
    diebold_mariano,
    small_sample_factor,
)
from nse_lstm.evaluation.direction import pesaran_timmermann
from nse_lstm.evaluation.multiple_comparison import (
    model_confidence_set,
    spa_test,
)
from nse_lstm.evaluation.overfitting import backtest_overfitting
from nse_lstm.features.folds import combinatorial_paths, overlaps

CASES = {
    case["id"]: case
    for case in json.loads(
        (Path(__file__).parent / "reference_values.json").read_text("utf-8")
    )
}
Inputs = dict[str, Any]


def ar1_factor(given: Inputs) -> float:
    rho = given["rho"] ** np.arange(1, given["q"])
    return sharpe.aggregation_factor(given["q"], rho)


def mertens(given: Inputs) -> float:
    return significance.sharpe_standard_error(
        given["sr"], n=given["n"], skew=given["skew"], kurtosis=given["kurt"]
    )


def psr(given: Inputs) -> float:
    return significance.probabilistic_sharpe_ratio(
        given["sr"],
        benchmark=given["sr_benchmark"],
        n=given["n"],
        skew=given["skew"],
        kurtosis=given["kurt"],
    )


def track_record_years(given: Inputs) -> float:
    needed = sharpe.minimum_track_record(
        given["sr"],
        benchmark=given["sr_benchmark"],
        skew=given["skew"],
        kurtosis=given["kurt"],
        confidence=given["p"],
    )
    return needed / given["periods"]


def dsr(given: Inputs) -> float:
    return significance.deflated_sharpe_ratio(
        given["sr_per_period"],
        n=given["n"],
        skew=given["skew"],
        kurtosis=given["kurt"],
        n_trials=given["n_trials"],
        variance=given["var_sr_per_period"],
    )


def overfitting(given: Inputs) -> Any:
    return backtest_overfitting(
        given["M_rows_are_time"], n_blocks=given["S"], measure="mean"
    )


def dm_power(given: Inputs) -> list[float]:
    y = np.array(given["actual"], float)
    losses = [np.abs(y - given[name]) ** given["power"] for name in ("pred1", "pred2")]
    found = diebold_mariano(*losses, ahead=given["h"])
    return [found.statistic, found.p_value]


def dm_small(given: Inputs) -> list[float]:
    y = np.array(given["actual"], float)
    losses = [(y - given[name]) ** 2 for name in ("pred1", "pred2")]
    found = diebold_mariano(*losses, ahead=given["h"])
    factor = small_sample_factor(len(y), given["h"])
    return [found.statistic / factor, found.statistic, found.p_value]


def cw(given: Inputs) -> Any:
    return clark_west(given["y"], given["f_alt"], benchmark=given["f_null"])


def r2_expanding(given: Inputs) -> float:
    benchmark = metrics.expanding_mean(given["y"])
    return metrics.out_of_sample_r_squared(
        given["y"][1:], given["f"][1:], benchmark=benchmark[1:]
    )


def pt(given: Inputs) -> list[float]:
    found = pesaran_timmermann(given["y_sign"], given["f_sign"])
    return [found.hits, found.expected, found.statistic, found.p_value]


def bootstrap_losses() -> pd.DataFrame:
    errors = np.random.default_rng(7).normal(size=(250, 5))
    losses = (errors * [1, 1, 1.05, 1.1, 0.8]) ** 2
    return pd.DataFrame(losses, columns=list("ABCDE"))


RESAMPLING = {"block": 10, "reps": 1000, "seed": 2062186019}


def spa(given: Inputs) -> dict[str, float]:
    found = spa_test(bootstrap_losses(), benchmark="A", studentized=False, **RESAMPLING)
    return {"lower": found.lower, "consistent": found.consistent, "upper": found.upper}


def confidence_set(given: Inputs) -> dict[str, Any]:
    found = model_confidence_set(bootstrap_losses(), size=0.1, **RESAMPLING)
    return {
        "included": found.loc[found["included"], "model"].tolist(),
        "pvalues": dict(zip(found["model"], found["p_value"], strict=True)),
    }


def purged(n: int, test: list[int], *, lookback: int = 1) -> list[int]:
    """Train rows beside tested ones; the label of t spans t to t + 2."""
    day = np.arange(n)
    end = np.minimum(day + 2, n - 1)
    dates = np.datetime64("2024-01-01") + day
    ends = np.datetime64("2024-01-01") + end
    firsts = dates - np.timedelta64(lookback - 1, "D")
    met = overlaps(firsts, ends, dates[test], ends[test])
    return [int(i) for i in day if not met[i] and i not in test]


def beta_law(given: Inputs) -> list[float]:
    rank, rest = conformal.coverage_law(given["n"], given["alpha"])
    ends = beta.ppf([0.05, 0.95], rank, rest)
    return [rank / (rank + rest), *ends]


def aci_path(given: Inputs) -> list[float]:
    return conformal.adaptive_levels(
        given["err"], alpha=given["alpha"], rate=given["gamma"], start=given["alpha1"]
    ).tolist()


def aci_bound(given: Inputs) -> float:
    return conformal.adaptive_bound(
        given["T"], alpha=given["alpha1"], rate=given["gamma"]
    )


def path_two(given: Inputs) -> list[list[int]]:
    path = combinatorial_paths(given["N"], given["k"])[1]
    return [[group + 1, int(fold) + 1] for group, fold in enumerate(path)]


def splits_and_paths(given: Inputs) -> list[int]:
    paths = combinatorial_paths(given["N"], given["k"])
    return [int(paths.max()) + 1, len(paths)]


EXACT: dict[str, Callable[[Inputs], Any]] = {
    "lo_se": lambda i: sharpe.iid_standard_error(i["sr"], i["T"]),
    "lo_eta12": ar1_factor,
    "mertens_se": mertens,
    "psr_": psr,
    "mintrl": track_record_years,
    "dsr_sr0": lambda i: significance.expected_maximum_sharpe(
        i["n_trials"], variance=i["var_sr_per_period"]
    ),
    "dsr_N": dsr,
    "emax_": lambda i: significance.expected_maximum_sharpe(i["n_trials"], variance=1),
    "minbtl": lambda i: sharpe.minimum_backtest_length(
        i["n_trials"], sharpe=i["target"]
    ),
    "pbo_4x8_mean_logits": lambda i: overfitting(i).logits.tolist(),
    "pbo_4x8_mean": lambda i: overfitting(i).probability,
    "cscv_count": lambda i: (
        backtest_overfitting(
            np.random.default_rng(1).normal(size=(2 * i["S"], 2)), n_blocks=i["S"]
        ).n_splits
    ),
    "dm_hln_johntwk": dm_power,
    "dm_hln_small": dm_small,
    "hln_factor": lambda i: [small_sample_factor(i["n"], h) for h in i["h"]],
    "cw_mean_adj": lambda i: float(
        adjusted_difference(i["y"], i["f_alt"], benchmark=i["f_null"]).mean()
    ),
    "cw_t": lambda i: cw(i).statistic,
    "cw_p_one_sided": lambda i: float(norm.sf(i["t"])),
    "r2os_zero": lambda i: metrics.skill(i["y"], i["f"]),
    "r2os_expanding_mean": r2_expanding,
    "ct_economic": lambda i: metrics.expected_return_gain(
        i["R2"], sharpe=math.sqrt(i["sharpe2"])
    ),
    "pt_stat": pt,
    "arch_spa": spa,
    "arch_mcs_R": confidence_set,
    "split_k": lambda i: [conformal.conformal_rank(n, i["alpha"]) for n in i["n"]],
    "split_cov_law": beta_law,
    "aci_path": aci_path,
    "aci_bound": aci_bound,
    "purge_strict": lambda i: purged(i["n"], i["test"]),
    "cpcv_6_2": splits_and_paths,
    "cpcv_path2": path_two,
    # Purged by 2 and embargoed by 1: labels of 2 sessions and a look-back of 2.
    "skfolio": lambda i: purged(i["n"], [*range(8, 16), *range(24, 32)], lookback=2),
}
OTHER_CONVENTION = {"purge_snippet73", "purge_mlfinpy_bug"}
SIMULATED = {"pbo_noise_property", "dm_overlap_size", "spa_size_property"}


def function_of(name: str) -> Callable[[Inputs], Any]:
    fitting = [prefix for prefix in EXACT if name.startswith(prefix)]
    return EXACT[max(fitting, key=len)]


@pytest.mark.parametrize("name", sorted(set(CASES) - OTHER_CONVENTION - SIMULATED))
def test_the_reference_value_is_met(name: str) -> None:
    case = CASES[name]
    found, expected = function_of(name)(case["inputs"]), case["expected"]
    if isinstance(expected, dict) and "included" in expected:
        assert found["included"] == expected["included"]
        found, expected = found["pvalues"], expected["pvalues"]
    if name == "cpcv_path2":
        found, expected = np.ravel(found).tolist(), np.ravel(expected).tolist()
    assert found == pytest.approx(expected, abs=case["tolerance"], rel=0)


@pytest.mark.parametrize("name", sorted(OTHER_CONVENTION))
def test_closed_labels_are_purged_more_strictly_than_by_other_libraries(
    name: str,
) -> None:
    case = CASES[name]
    own = purged(case["inputs"]["n"], case["inputs"]["test"])
    # Rows 6 and 7 reach labels 8 and 9, row 13 begins where a tested label ends.
    assert set(own) < set(case["expected"])
    assert not {6, 7, 13} & set(own)


def test_no_overfitting_is_told_from_noise_and_a_dominant_trial_is_seen() -> None:
    case = CASES["pbo_noise_property"]
    given = case["inputs"]
    found = []
    for seed in range(given["seeds"]):
        noise = np.random.default_rng(seed).normal(size=(given["T"], given["N"]))
        found.append(backtest_overfitting(noise, n_blocks=given["S"]).probability)
    assert np.mean(found) == pytest.approx(case["expected"], abs=case["tolerance"])
    noise[:, 3] += 2
    assert backtest_overfitting(noise, n_blocks=given["S"]).probability == 0


@pytest.mark.slow
def test_overlapping_targets_do_not_inflate_the_size_of_diebold_mariano() -> None:
    case = CASES["dm_overlap_size"]
    rng = np.random.default_rng(case["inputs"]["seed"])
    n, ahead, reps = 250, 5, 4000
    shocks = rng.normal(size=(reps, 2, n + ahead - 1))
    moving = np.lib.stride_tricks.sliding_window_view(shocks, ahead, axis=2).sum(-1)
    zero = np.zeros(n)
    rejected = {"naive_no_hac": 0, "dm_hln": 0}
    for first, second in moving:
        difference = first - second
        rejected["dm_hln"] += (
            diebold_mariano(difference, zero, ahead=ahead).p_value < 0.05
        )
        rejected["naive_no_hac"] += diebold_mariano(difference, zero).p_value < 0.05
    for name, expected in case["expected"].items():
        found = rejected[name] / reps
        assert found == pytest.approx(expected, abs=case["tolerance"])


@pytest.mark.slow
@pytest.mark.parametrize("studentized", [True, False])
def test_superior_ability_keeps_its_size_under_equal_losses(studentized: bool) -> None:
    case = CASES["spa_size_property"]
    n, k = case["inputs"]["T"], case["inputs"]["k"]
    rejected = 0
    for seed in range(150):
        errors = np.random.default_rng(seed).normal(size=(n, k + 1))
        losses = pd.DataFrame(errors**2, columns=list("ABCDEF"))
        found = spa_test(
            losses,
            benchmark="A",
            block=5,
            reps=300,
            seed=seed,
            studentized=studentized,
        )
        rejected += found.consistent < 0.1
    assert rejected / 150 == pytest.approx(case["expected"], abs=case["tolerance"])


def test_the_number_of_splits_and_paths_is_the_books() -> None:
    # AFML ch. 12: C(N, k) splits make k / N of them paths.
    for n_groups, n_test in [(6, 2), (10, 8)]:
        paths = combinatorial_paths(n_groups, n_test)
        n_splits = comb(n_groups, n_test)
        assert paths.shape == (n_test * n_splits // n_groups, n_groups)
