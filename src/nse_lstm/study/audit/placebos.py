"""Placebo tests: no model may show skill where directions are random.

Every direction is drawn with probability one half, independent of the past. So the
number of right directions is exactly binomial with that probability, for any model.
The same holds with labels permuted before training, and for sessions after the target.
An account's sum of positions times directions is a martingale with steps of at most
one, bounded by the Azuma-Hoeffding inequality. By Bonferroni, all tests together raise
an alarm on a clean study with a probability of at most ``LEVEL``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from nse_lstm.config import Study
from nse_lstm.evaluation.strategies import FORECAST_RULES, strategy_returns
from nse_lstm.features.returns import with_returns
from nse_lstm.features.windows import Windows
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.markets import open_audit, write_random_market
from nse_lstm.study.audit.pipeline_run import fit_jobs, forecast_folds, list_jobs
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.tables import PANEL, read_table

LEVEL = 1e-4
"""False-positive rate of all placebos together."""
SHIFTS = (0, 1, 2, 3, 5)
"""Sessions after the target whose directions are compared with the forecasts too."""


@dataclass(frozen=True)
class Placebo:
    """One test of no skill: hits (or the account's sum) of n, and its p-value."""

    name: str
    hits: float
    n: int
    p_value: float


def run_placebos(
    study: Study, root: Path, *, seed: int, learner: str
) -> tuple[list[Placebo], list[AuditAlarm]]:
    """Train on random directions, with true and with permuted labels, and test.

    Parameters
    ----------
    study : Study
        Of ``markets.shrink_study``.
    root : Path
        An empty folder.
    seed : int
        Of the directions and of the permutation.
    learner : str
        One of ``pipeline_run.LEARNERS``.

    Returns
    -------
    list of Placebo, list of AuditAlarm
        All tests, and an alarm for each whose p-value is below ``LEVEL`` over their
        number.
    """
    write_random_market(root / "raw", seed)
    workspace = open_audit(study, root, root / "raw")
    analyse_data(workspace)
    jobs = list_jobs(workspace)
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    prices = with_returns(panel)
    tests: list[Placebo] = []
    labels = {"labels as they are": jobs, "labels permuted": _permuted(jobs, seed)}
    for name, variant in labels.items():
        fit_jobs(workspace, variant, learner)
        forecasts = forecast_folds(workspace, panel, learner)
        tests += _direction(forecasts, prices, name)
        tests += _accounts(workspace, forecasts, panel, name)
    bound = LEVEL / len(tests)
    alarms = [
        AuditAlarm(
            "placebo",
            test.name,
            f"{test.hits:g} of {test.n} random directions, p {test.p_value:.2g}",
        )
        for test in tests
        if test.p_value < bound
    ]
    return tests, alarms


def tail(hits: int, n: int) -> float:
    """Return the two-sided binomial p-value of hits with probability one half.

    Parameters
    ----------
    hits, n : int
        Hits among n directions.

    Examples
    --------
    >>> tail(10, 10)  # 2 / 2**10
    0.001953125
    """
    far = max(hits, n - hits)
    return float(min(1.0, 2 * binom.sf(far - 1, n, 0.5)))


def _permuted(jobs: list[TrainingJob], seed: int) -> list[TrainingJob]:
    """Shuffle the labels of each span among its windows."""
    generator = np.random.default_rng([seed, 1])

    def shuffled(windows: Windows) -> Windows:
        return replace(windows, y=generator.permutation(windows.y))

    return [
        replace(
            job,
            train=shuffled(job.train),
            validation=shuffled(job.validation),
            version=f"{job.version} permuted",
        )
        for job in jobs
    ]


def _direction(
    forecasts: pd.DataFrame, prices: pd.DataFrame, labels: str
) -> Iterator[Placebo]:
    moves = prices.pivot(index="session", columns="ticker", values="adjusted").diff()
    for model, rows in forecasts.groupby("model"):
        place = moves.index.get_indexer(pd.DatetimeIndex(rows["target_date"]))
        column = moves.columns.get_indexer(pd.Index(rows["ticker"]))
        # A missing forecast counts as down: n must not depend on the directions.
        up = (rows["y_hat"] > 0).to_numpy()
        for shift in SHIFTS:
            inside = place + shift < len(moves)
            realised = moves.to_numpy()[place[inside] + shift, column[inside]]
            hits, n = int((up[inside] == (realised > 0)).sum()), int(inside.sum())
            name = f"{model}, {labels}, {shift} sessions after the target"
            yield Placebo(name, hits, n, tail(hits, n))


def _accounts(
    workspace: Workspace, forecasts: pd.DataFrame, panel: pd.DataFrame, labels: str
) -> Iterator[Placebo]:
    backtest = replace(workspace.study.backtest, cost_bps=(0,), headline_cost_bps=0)
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    traded = returns[returns["rule"].isin(FORECAST_RULES)]
    for (model, rule), rows in traded.groupby(["model", "rule"]):
        total = float((rows["position"] * np.sign(rows["stock_return"])).sum())
        bound = min(1.0, 2 * float(np.exp(-(total**2) / (2 * len(rows)))))
        yield Placebo(f"{model} traded by {rule}, {labels}", total, len(rows), bound)
