"""Count the verdicts of hundreds of judged markets, with binomial intervals."""

import math
from pathlib import Path
from typing import Any, cast

import pandas as pd
from scipy.stats import binomtest

from nse_lstm.json_files import read_json
from nse_lstm.paths import find_root
from nse_lstm.study.experiments.calibration.market import (
    BEST_TRIAL,
    MODEL,
    ORACLE,
    rules_at,
)

DOCUMENT = Path("docs/calibration.json")
"""Path of the committed counts, from the project's root."""

CLAIMS_DOCUMENT = Path("docs/calibration_claims.json")
"""The same of the declared claims."""

INTERVAL = 0.95
"""Confidence of the binomial intervals."""

ANY = "any"
KEY = ["strategy", "rule", "cost_bps"]
ANSWERS = ("yes", "undecided", "no")


def count_answers(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Count the verdicts of each planted signal and judged strategy.

    Parameters
    ----------
    lines : list of dict
        From ``judge_markets``.

    Returns
    -------
    DataFrame
        One row per ``signal strategy rule cost_bps`` (rule "any" for the best trial).
        ``n`` markets, of which the strategy traded in ``n_traded``; the others are
        undecided. Counts ``yes undecided no``, and ``lower upper``, the binomial bounds
        of the share of yes. ``yes_with_own`` counts the yes if the strategy's own ratio
        were in the trials' variance. ``sharpe`` and ``oracle_sharpe``: mean yearly
        Sharpe ratio over cash of the strategy and of the oracle under the same rule and
        cost, over markets with trades. ``above_cash above_holding``: counts of lower
        bounds of the excess return above 0.
    """
    judged = pd.DataFrame(
        [_flat(line, row) for line in lines for row in line["judged"]]
    )
    sizes = pd.Series([line["signal"] for line in lines]).value_counts()
    oracle = judged[judged["strategy"] == ORACLE]
    oracle_sharpe = (
        oracle.groupby(["signal", "rule", "cost_bps"])["sharpe"].mean().to_dict()
    )
    groups = dict(list(judged.groupby(["signal", *KEY])))
    levels = judged[["signal", "cost_bps"]].drop_duplicates()
    # The model counts under every rule, even where it never traded.
    required = {
        (signal, MODEL, rule, cost_bps)
        for signal, cost_bps in levels.itertuples(index=False)
        for rule in rules_at(cost_bps)
    }
    rows = []
    for key in sorted({*groups, *required}):
        signal, _, rule, cost_bps = cast(tuple[float, str, str, int], key)
        rows.append(
            {
                **dict(zip(["signal", *KEY], key, strict=True)),
                **_counts(groups.get(key, judged[:0]), n=int(sizes[signal])),
                "oracle_sharpe": oracle_sharpe.get((signal, rule, cost_bps), math.nan),
            }
        )
    return pd.DataFrame(rows)


def _flat(line: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a judged strategy as one row, the best trial under any rule."""
    above = {
        f"above_{name}": row[f"over_{name}"][0] > 0 for name in ("cash", "holding")
    }
    rule = ANY if row["strategy"] == BEST_TRIAL else row["rule"]
    return {**row, **above, "signal": line["signal"], "rule": rule}


def _counts(own: pd.DataFrame, *, n: int) -> dict[str, float]:
    yes, no = (int((own["answer"] == answer).sum()) for answer in ("yes", "no"))
    lower, upper = share_of(yes, n)
    return {
        "n": n,
        "n_traded": len(own),
        "yes": yes,
        # A strategy without a trade earned cash, which is neither yes nor no.
        "undecided": n - yes - no,
        "no": no,
        "lower": lower,
        "upper": upper,
        "yes_with_own": int(own["yes_with_own"].sum()),
        "sharpe": float(own["sharpe"].mean()),
        "above_cash": int(own["above_cash"].sum()),
        "above_holding": int(own["above_holding"].sum()),
    }


def share_of(count: int, n: int) -> tuple[float, float]:
    """Return the exact binomial confidence bounds of a share.

    Parameters
    ----------
    count, n : int
        Successes and trials.

    References
    ----------
    .. [1] C. Clopper and E. Pearson (1934). The use of confidence or fiducial limits
       illustrated in the case of the binomial. Biometrika 26(4), 404-413.

    Examples
    --------
    >>> low, high = share_of(0, 300)  # 1 - 0.025 ** (1 / 300)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.0122)
    """
    bounds = binomtest(count, n).proportion_ci(INTERVAL, method="exact")
    return float(bounds.low), float(bounds.high)


def count_claims(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Count the answers of each planted signal and claim.

    Parameters
    ----------
    lines : list of dict
        From ``judge_markets`` with ``claims.judge_market_claims``.

    Returns
    -------
    DataFrame
        One row per ``signal claim``, the claim "any" for a yes to any of them: ``n``
        markets, ``yes undecided no``, ``lower upper`` (the binomial bounds of the share
        of yes) and the mean ``effect``.
    """
    rows = pd.DataFrame(
        [
            {"signal": line["signal"], "seed": line["seed"], **row}
            for line in lines
            for row in line["claims"]
        ]
    )
    found = []
    for signal, own in rows.groupby("signal"):
        n = own["seed"].nunique()
        n_any = own.loc[own["answer"] == "yes", "seed"].nunique()
        parts = {str(claim): each for claim, each in own.groupby("claim", sort=False)}
        counts = {
            claim: {answer: int((each["answer"] == answer).sum()) for answer in ANSWERS}
            for claim, each in parts.items()
        } | {ANY: {"yes": n_any, "undecided": 0, "no": 0}}
        for claim, each in counts.items():
            lower, upper = share_of(each["yes"], n)
            effect = parts[claim]["effect"].mean() if claim in parts else math.nan
            found.append(
                {"signal": signal, "claim": claim, "n": n, **each}
                | {"lower": lower, "upper": upper, "effect": effect}
            )
    return pd.DataFrame(found)


def false_yes(lines: list[dict[str, Any]], *, cost_bps: int) -> list[int]:
    """Return the seeds of null markets in which any judged strategy has a yes.

    The model under each rule and the best trial are counted, so the result is an upper
    bound for the declared strategy.

    Parameters
    ----------
    lines : list of dict
        From ``judge_markets``.
    cost_bps : int
        Cost level whose answers count.
    """
    return [
        line["seed"]
        for line in lines
        if line["signal"] == 0
        and any(
            row["answer"] == "yes" and row["cost_bps"] == cost_bps
            for row in line["judged"]
        )
    ]


def calibration_counts(root: Path | None = None) -> pd.DataFrame:
    """Read the committed counts, as ``count_answers`` gives them.

    Parameters
    ----------
    root : Path, optional
        The project's folder; the one this runs in if missing.

    Raises
    ------
    ArtefactError
        If they were never written.
    """
    document = read_json((root or find_root()) / DOCUMENT)
    counts = pd.DataFrame(document["counts"])
    return counts.astype({"sharpe": "float64", "oracle_sharpe": "float64"})
