"""What hundreds of judged markets add up to: counts, their table and their page."""

import math
from pathlib import Path
from typing import Any, cast

import pandas as pd
from scipy.stats import binomtest

from nse_lstm.json_files import read_json
from nse_lstm.paths import find_root
from nse_lstm.study.experiments.calibration.market import (
    LUCKIEST,
    MODEL,
    ORACLE,
    rules_at,
)

DOCUMENT = Path("docs/calibration.json")
"""Where the committed counts lie, from the project's root."""

INTERVAL = 0.95
"""Confidence of the binomial intervals."""

ANY = "any"
STRATEGY = ["who", "rule", "cost_bps"]
ANSWERS = ("yes", "undecided", "no")
WHO = {
    MODEL: "the model's stand-in",
    LUCKIEST: "the best of the trials, picked afterwards",
    ORACLE: "the oracle, who knows the plan",
}


def count_answers(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Count the answers of each signal and judged strategy.

    Parameters
    ----------
    lines : list of dict
        From ``judge_markets``.

    Returns
    -------
    DataFrame
        One row a ``signal who rule cost_bps`` (rule "any" for the luckiest): ``n``
        markets, ``dealt`` (those in which it dealt at all; else it is undecided), the
        counts ``yes undecided no``, ``lower upper`` (binomial bounds of the share of
        yes), ``sharpe`` and ``oracle_sharpe`` (mean yearly Sharpe ratio over cash of
        the strategy, and of the oracle under the same rule and cost; where it dealt)
        and ``above_cash above_holding`` (counts of lower bounds above 0).
    """
    judged = pd.DataFrame(
        [_flat(line, row) for line in lines for row in line["judged"]]
    )
    sizes = pd.Series([line["signal"] for line in lines]).value_counts()
    oracle = judged[judged["who"] == ORACLE]
    knows = oracle.groupby(["signal", "rule", "cost_bps"])["sharpe"].mean().to_dict()
    groups = dict(list(judged.groupby(["signal", *STRATEGY])))
    dealt_at = judged[["signal", "cost_bps"]].drop_duplicates()
    # The model is asked under every rule, whether it ever dealt or not.
    asked = {
        (signal, MODEL, rule, cost_bps)
        for signal, cost_bps in dealt_at.itertuples(index=False)
        for rule in rules_at(cost_bps)
    }
    rows = []
    for key in sorted({*groups, *asked}):
        signal, _, rule, cost_bps = cast(tuple[float, str, str, int], key)
        rows.append(
            {
                **dict(zip(["signal", *STRATEGY], key, strict=True)),
                **_counts(groups.get(key, judged[:0]), n=int(sizes[signal])),
                "oracle_sharpe": knows.get((signal, rule, cost_bps), math.nan),
            }
        )
    return pd.DataFrame(rows)


def _flat(line: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a judged strategy as one row, the luckiest under whatever rule it has."""
    above = {
        f"above_{name}": row[f"over_{name}"][0] > 0 for name in ("cash", "holding")
    }
    rule = ANY if row["who"] == LUCKIEST else row["rule"]
    return {**row, **above, "signal": line["signal"], "rule": rule}


def _counts(own: pd.DataFrame, *, n: int) -> dict[str, float]:
    yes, no = (int((own["answer"] == answer).sum()) for answer in ("yes", "no"))
    lower, upper = share_of(yes, n)
    return {
        "n": n,
        "dealt": len(own),
        "yes": yes,
        # Who never dealt earned cash, which is neither yes nor no.
        "undecided": n - yes - no,
        "no": no,
        "lower": lower,
        "upper": upper,
        "sharpe": float(own["sharpe"].mean()),
        "above_cash": int(own["above_cash"].sum()),
        "above_holding": int(own["above_holding"].sum()),
    }


def share_of(count: int, n: int) -> tuple[float, float]:
    """Return the bounds of a share that was counted.

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


def false_yes(lines: list[dict[str, Any]], *, cost_bps: int) -> list[int]:
    """Return the seeds of the null markets in which any judged strategy has a yes.

    The model under each rule and the luckiest trial are looked at, whichever the study
    declares, so the count is at least the one of the declared strategy.

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
    """Return the committed counts, as ``count_answers`` gives them.

    Raises
    ------
    ArtefactError
        If they were never written.
    """
    document = read_json((root or find_root()) / DOCUMENT)
    counts = pd.DataFrame(document["counts"])
    return counts.astype({"sharpe": "float64", "oracle_sharpe": "float64"})


def calibration_table(root: Path | None = None) -> pd.DataFrame:
    """Return the committed counts for a page, all text.

    Raises
    ------
    ArtefactError
        If they were never written.
    """
    return answers_table(calibration_counts(root))


def answers_table(counts: pd.DataFrame) -> pd.DataFrame:
    """Put the counts of ``count_answers`` into words, the oracle last; all text."""
    order = counts["who"].map(list(WHO).index)
    rows = counts.assign(order=order).sort_values(
        ["signal", "cost_bps", "order", "rule"], ascending=[True, False, True, True]
    )
    return pd.DataFrame(
        {
            "planted": rows["signal"].map("{:g}".format),
            "cost, bps a side": rows["cost_bps"].astype(str),
            "who": rows["who"].map(WHO),
            "rule": rows["rule"],
            "its net Sharpe": rows["sharpe"].map(_signed),
            "the oracle's": rows["oracle_sharpe"].map(_signed),
            "markets": rows["n"].astype(str),
            "dealt in": rows["dealt"].astype(str),
            **{answer: rows[answer].astype(str) for answer in ANSWERS},
            "share of yes, 95 %": [
                f"{row.lower:.1%} to {row.upper:.1%}" for row in rows.itertuples()
            ],
            "above cash": rows["above_cash"].astype(str),
            "above the holding": rows["above_holding"].astype(str),
        }
    ).reset_index(drop=True)


def power_points(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the power curve for ``reporting.calibration_figures.draw_power``.

    Parameters
    ----------
    counts : DataFrame
        ``count_answers``.

    Returns
    -------
    DataFrame
        One row a planted signal, strategy and cost: ``who terms`` (words), ``skill``
        (the oracle's mean net Sharpe ratio), ``share lower upper`` (of yes). Where the
        oracle never dealt there is no skill to place it at, and no row.
    """
    shown = counts[(counts["signal"] > 0) & counts["oracle_sharpe"].notna()]
    shown = shown[shown["who"].isin([ORACLE, MODEL])]
    order = ["who", "cost_bps", "rule", "oracle_sharpe"]
    shown = shown.sort_values(order)
    terms = [
        f"{cost_bps} bps, {rule}" if cost_bps else "free of costs"
        for cost_bps, rule in zip(shown["cost_bps"], shown["rule"], strict=True)
    ]
    return pd.DataFrame(
        {
            "who": shown["who"].map(WHO),
            "terms": terms,
            "skill": shown["oracle_sharpe"],
            "share": shown["yes"] / shown["n"],
            "lower": shown["lower"],
            "upper": shown["upper"],
        }
    ).reset_index(drop=True)


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")
