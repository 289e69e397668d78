"""Tables and sentences of Phase 4's statistical tests."""

import pandas as pd

from nse_lstm.evaluation.forecast_evidence import (
    ALL_MODELS,
    BETTER,
    HISTORICAL_MEAN,
    IN_SET,
    WORSE,
)
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.reporting.canvas import NAMES, name_of
from nse_lstm.reporting.format import DASH, format_interval, format_number

BY_STOCK = "Diebold-Mariano, Holm"
CONFIDENCE_SET = "model confidence set"


def evidence_table(evidence: pd.DataFrame, *, model: str) -> pd.DataFrame:
    """Return the tests of one model and of all models together, as text.

    Tests of single stocks are counted by ``stocks_sentence``. The model confidence set
    is one row.

    Parameters
    ----------
    evidence : DataFrame
        ``EVIDENCE``.
    model : str
    """
    rows = evidence[
        evidence["model"].isin([model, ALL_MODELS])
        & (evidence["ticker"] == POOL)
        & (evidence["test"] != CONFIDENCE_SET)
    ]
    table = pd.DataFrame(
        {
            "test": rows["test"],
            "of": [name_of(name) for name in rows["model"]],
            "against": rows["against"],
            "statistic": rows["statistic"].map(_figure),
            "p": rows["p_value"].map(_p_value),
            "result": rows["says"],
            "sessions": rows["n"],
        }
    )
    return pd.concat([table, _confidence_set(evidence)], ignore_index=True)


def forecast_table(evidence: pd.DataFrame) -> pd.DataFrame:
    """Return the forecast tests with their p-values, one row per model.

    A Diebold-Mariano statistic below 0 favours the model, as do Clark-West and
    direction above 0.
    """
    rows = evidence[evidence["ticker"] == POOL]
    columns = {
        "R² against no change": _interval(rows, "out-of-sample R²", "persistence"),
        "R² against the mean so far": _interval(
            rows, "out-of-sample R²", HISTORICAL_MEAN
        ),
        "Diebold-Mariano (p)": _tested(rows, "Diebold-Mariano"),
        "Clark-West (p)": _tested(rows, "Clark-West"),
        "direction (p)": _tested(rows, "direction"),
        "may be the best": _member(rows),
    }
    return _by_model(columns)


def averaging_table(evidence: pd.DataFrame) -> pd.DataFrame:
    """Return skill one and two sessions ahead and the artefact, one row per model."""
    rows = evidence[evidence["ticker"] == POOL]
    columns = {
        "R², next session": _interval(rows, "out-of-sample R²", "persistence"),
        "R², one session later": _interval(
            rows, "out-of-sample R², a session later", "persistence"
        ),
        "fraction of the gain that is gone": _shares(rows),
    }
    return _by_model(columns)


def stocks_sentence(evidence: pd.DataFrame, *, model: str) -> str:
    """Count the stocks in which one model is significantly better or worse.

    Parameters
    ----------
    evidence : DataFrame
        ``EVIDENCE``.
    model : str
    """
    rows = evidence[(evidence["test"] == BY_STOCK) & (evidence["model"] == model)]
    better = int((rows["says"] == BETTER).sum())
    worse = int((rows["says"] == WORSE).sum())
    return (
        f"With Holm's correction, {name_of(model)} has significantly smaller squared "
        f"errors than persistence in {better} of {len(rows)} stocks and larger ones in "
        f"{worse}. The rest are not significantly different."
    )


def coverage_sentence(coverage: pd.DataFrame, *, model: str) -> str:
    """Summarise the coverage of the 90 % intervals, by stock and quarter.

    Parameters
    ----------
    coverage : DataFrame
        ``COVERAGE``.
    model : str
    """
    rows = coverage[coverage["model"] == model]
    if rows.empty:
        return "No interval could be scored."
    share = float((rows["coverage"] * rows["n"]).sum() / rows["n"].sum())
    banded = rows.dropna(subset=["lower", "upper"])
    inside = int(banded["coverage"].between(banded["lower"], banded["upper"]).sum())
    worst = rows.sort_values("coverage").iloc[0]
    return (
        f"Intervals that aim at 90 % held {share:.1%} of the outcomes. "
        f"{inside} of {len(banded)} quarters of a stock lie in the band of chance. "
        f"The worst is {worst['ticker']} in {worst['quarter']} with "
        f"{worst['coverage']:.0%}."
    )


def _confidence_set(evidence: pd.DataFrame) -> pd.DataFrame:
    rows = evidence[evidence["test"] == CONFIDENCE_SET]
    if rows.empty:
        return pd.DataFrame()
    best = rows.loc[rows["says"] == IN_SET, "model"]
    names = ", ".join(name_of(name) for name in best)
    row = {
        "test": CONFIDENCE_SET,
        "of": ALL_MODELS,
        "against": ALL_MODELS,
        "statistic": DASH,
        "p": DASH,
        "result": f"{len(best)} of {len(rows)} may be the best: {names}",
        "sessions": int(rows["n"].iloc[0]),
    }
    return pd.DataFrame([row])


def _by_model(columns: dict[str, pd.Series]) -> pd.DataFrame:
    table = pd.DataFrame(columns).fillna(DASH)
    order = [name for name in NAMES if name in table.index]
    order += sorted(set(table.index) - set(order))
    table = table.loc[order].reset_index(names="model")
    return table.assign(model=[name_of(name) for name in table["model"]])


def _interval(rows: pd.DataFrame, test: str, against: str) -> pd.Series:
    own = rows[(rows["test"] == test) & (rows["against"] == against)]
    cells = [
        f"{_figure(value)} ({_figure(lower)} to {_figure(upper)})"
        for value, lower, upper in own[["statistic", "lower", "upper"]].to_numpy()
    ]
    return pd.Series(cells, index=own["model"], dtype=object)


def _tested(rows: pd.DataFrame, test: str) -> pd.Series:
    own = rows[rows["test"] == test]
    cells = [
        f"{_figure(value)} ({_p_value(p)})"
        for value, p in own[["statistic", "p_value"]].to_numpy()
    ]
    return pd.Series(cells, index=own["model"], dtype=object)


def _member(rows: pd.DataFrame) -> pd.Series:
    own = rows[rows["test"] == CONFIDENCE_SET]
    cells = ["yes" if says == IN_SET else "no" for says in own["says"]]
    return pd.Series(cells, index=own["model"], dtype=object)


def _shares(rows: pd.DataFrame) -> pd.Series:
    own = rows[rows["test"] == "artefact of averaged prices"]
    cells = [
        "no gain" if pd.isna(share) else format_interval(share, lower, upper, ".0%")
        for share, lower, upper in own[["statistic", "lower", "upper"]].to_numpy()
    ]
    return pd.Series(cells, index=own["model"], dtype=object)


def _figure(value: float) -> str:
    """Return a number with three digits, "none" if it is infinite."""
    if abs(value) == float("inf"):
        return "none"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return format_number(value, f".{digits}f")


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else format_number(value, ".3f")
