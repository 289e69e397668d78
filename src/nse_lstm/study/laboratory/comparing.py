"""Compare two runs: difference of their squared errors on the sessions of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap

from nse_lstm.config import Verdict
from nse_lstm.errors import ConfigurationError, TableError
from nse_lstm.evaluation.comparison import NAIVE, diebold_mariano, losses_by_date
from nse_lstm.reporting.display import bullets
from nse_lstm.study.laboratory.judge import OutsideJudgement
from nse_lstm.study.laboratory.runs import NO_PROFIT, Run, Runs

Result = Run | Runs | OutsideJudgement
FIRST, SECOND = "first", "second"


@dataclass(frozen=True, repr=False)
class RunComparison:
    """Paired difference of squared errors of log returns; below 0 favours the first."""

    first: str
    second: str
    difference: float
    """Mean over sessions of the first's squared error less the second's."""
    lower: float
    upper: float
    """Its interval at the study's confidence, by the stationary bootstrap."""
    p_value: float
    """Diebold-Mariano, two-sided."""
    skill_first: float
    skill_second: float
    """Skill of both on these sessions."""
    n: int
    """Sessions."""

    @property
    def summary(self) -> list[str]:
        """Three sentences: skills, difference, decision."""
        decided = "The interval includes 0: neither is shown to be more accurate."
        if self.upper < 0:
            decided = f"{self.first} is more accurate."
        if self.lower > 0:
            decided = f"{self.second} is more accurate."
        return [
            f"Skill of {self.first} {self.skill_first:+.3f}, of {self.second} "
            f"{self.skill_second:+.3f}, on {self.n} sessions of both.",
            f"Difference of squared errors {1e4 * self.difference:+.3f} "
            f"[{1e4 * self.lower:+.3f}, {1e4 * self.upper:+.3f}], in ten-thousandths, "
            f"p {self.p_value:.2g}.",
            f"{decided} {NO_PROFIT}",
        ]

    def __repr__(self) -> str:
        return "\n".join(self.summary)

    def _repr_html_(self) -> str:
        return bullets(*self.summary).html


def compare_runs(
    first: Result, second: Result, *, verdict: Verdict, seed: int
) -> RunComparison:
    """Compare two results on the stocks and sessions that both forecast.

    Seeds of a model are averaged first, then stocks, so a session is one observation.

    Parameters
    ----------
    first, second : Run, Runs or OutsideJudgement
        Runs of one model: several seeds or stocks.
    verdict : Verdict
        Its confidence and bootstrap.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ConfigurationError
        If one is something else, or nothing is forecast by both.
    """
    names = [_label(first), _label(second)]
    if names[0] == names[1]:
        names = [f"{names[0]} (first)", f"{names[1]} (second)"]
    rows = [
        _rows(each).assign(model=role)
        for each, role in ((first, FIRST), (second, SECOND))
    ]
    try:
        losses = losses_by_date(pd.concat(rows, ignore_index=True))
    except TableError:
        spans = " and ".join(_span(each) for each in rows)
        raise ConfigurationError(
            "Expected two results on the same stocks and year. Received: nothing "
            f"forecast by both: {spans}"
        ) from None
    return _compared(losses, names, verdict, seed)


def _compared(
    losses: pd.DataFrame, names: Sequence[str], verdict: Verdict, seed: int
) -> RunComparison:
    difference = (losses[FIRST] - losses[SECOND]).to_numpy()
    bootstrap = StationaryBootstrap(verdict.bootstrap_block, difference, seed=seed)
    means = bootstrap.apply(np.mean, verdict.bootstrap_reps)
    tail = (1 - verdict.confidence) / 2
    lower, upper = np.quantile(means, [tail, 1 - tail])
    sums = losses.sum()
    return RunComparison(
        first=names[0],
        second=names[1],
        difference=float(difference.mean()),
        lower=float(lower),
        upper=float(upper),
        p_value=diebold_mariano(losses[FIRST], losses[SECOND]).p_value,
        skill_first=float(1 - sums[FIRST] / sums[NAIVE]),
        skill_second=float(1 - sums[SECOND] / sums[NAIVE]),
        n=len(losses),
    )


def _rows(result: object) -> pd.DataFrame:
    if isinstance(result, Run):
        rows = result.forecasts[result.forecasts["model"] == result.name]
        return rows.assign(seed=result.model.seed)
    if isinstance(result, Runs):
        return pd.concat([_rows(run) for run in result], ignore_index=True)
    if isinstance(result, OutsideJudgement):
        joined = result.joined
        return joined[(joined["model"] == result.name) & (joined["horizon"] == 1)]
    raise ConfigurationError(
        "Expected results of lab.run, lab.sweep or lab.judge. Received: "
        f"{type(result).__name__}"
    )


def _label(result: object) -> str:
    if isinstance(result, Runs):
        names = sorted({run.name for run in result})
        if len(names) > 1:
            raise ConfigurationError(
                f"Expected runs of one model. Received: {', '.join(names)}; select "
                "them first"
            )
        return names[0]
    return str(getattr(result, "name", type(result).__name__))


def _span(rows: pd.DataFrame) -> str:
    stocks = ", ".join(sorted(set(rows["ticker"]))[:5])
    years = ", ".join(map(str, sorted(set(rows["fold"]))))
    return f"{stocks} {years}"
