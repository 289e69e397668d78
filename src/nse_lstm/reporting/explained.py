"""Summarise permutation importance, occlusion and learning curves.

Every sentence follows from its table: it says "more" or "less" only where the interval
excludes zero.
"""

from typing import Any

import pandas as pd

from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.format import format_interval, format_number

Z = 1.96
N_FEATURES = 8
"""Features in a table: those with the largest loss."""
SESSIONS = (("lag", "0"), ("lag", "1"), ("older", "1"), ("older", "5"))
"""Sessions of the window in a table, alone or with all before them."""
ALL, EVERYTHING = "all", "everything"
VERDICTS = {1: "more than", 0: "not significantly different from", -1: "less than"}


def shuffled_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the features with the largest permutation importance as text rows.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.permutation.permutation_importance``.
    """
    return _losses(table.nlargest(N_FEATURES, "loss"), table["feature"])


def shuffled_reading(table: pd.DataFrame, *, model: str) -> str:
    """Count the features with a significant permutation importance.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.permutation.permutation_importance``.
    model : str
        The forecaster.
    """
    controls = table.dropna(subset="control")
    return (
        f"{NAMES[model]}: {_counted(table)} The largest of {len(controls)} controls "
        f"is {_number(_largest(controls['control']))}."
    )


def hidden_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rank LSTM's losses by hidden sessions and features as text rows.

    All of the rank IC comes first, then sessions of the window, then the features with
    the largest loss.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.occlusion.occlude``.
    """
    form = table["form"]
    sessions = [
        table[(form == one) & (table["what"] == back)] for one, back in SESSIONS
    ]
    features = table[form == "feature"].nlargest(N_FEATURES, "loss")
    rows = pd.concat([table[form == EVERYTHING], *sessions, features])
    named = zip(rows["form"], rows["what"], strict=True)
    return _losses(rows, pd.Series([_hidden(*one) for one in named], rows.index))


def hidden_reading(table: pd.DataFrame) -> str:
    """Summarise the rank IC that sessions and single features carry."""
    whole, last = _of(table, EVERYTHING, ""), _of(table, "lag", "0")
    before = _of(table, "older", "1")
    features = table[table["form"] == "feature"].rename(columns={"what": "feature"})
    others = table.loc[table["form"] != EVERYTHING, "control"]
    return (
        f"The rank LSTM's rank IC is {whole['loss']:.3f} (mean over years and "
        f"horizons). The origin's own session carries {_interval(last)} of it, all "
        f"sessions before it together {_interval(before)}: {VERDICTS[_side(before)]} "
        f"zero. Single features: {_counted(features)} The control of everything is "
        f"{_number(whole['control'])}, the largest other one "
        f"{_number(_largest(others))}."
    )


def curve_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return rank ICs with all data and the change by each cut, one row per cut.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.learning_curves.learning_curve``, of one or
        more models.
    """
    rows = []
    for model, whole in _models(table):
        for amount, own in _by_cut(whole):
            row = {"model": _short(model), "trained on": amount}
            for _, one in own.sort_values("horizon").iterrows():
                row[f"horizon {one['horizon']}"] = _cell(one)
            rows.append(row)
    return pd.DataFrame(rows)


def curve_reading(table: pd.DataFrame) -> str:
    """Summarise the cuts that significantly change a model's rank IC."""
    costs = "; ".join(_costly(model, own) for model, own in _models(table))
    return f"With less data: {costs}."


def _models(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    names = [name for name in NAMES if name in set(table["model"])]
    return [(name, table[table["model"] == name]) for name in names]


def _costly(model: str, own: pd.DataFrame) -> str:
    cut = own[own["cut"] != ALL]
    worse = cut[cut["change_upper"] < 0]
    better = cut[cut["change_lower"] > 0]
    said = [
        f"{word} on {'; '.join(_places(rows))}"
        for word, rows in (("worse", worse), ("better", better))
        if len(rows)
    ]
    n_level = len(cut) - len(worse) - len(better)
    rest = f"level with all data in {n_level} of {len(cut)} cases"
    return f"{_short(model)} {', '.join([*said, rest])}"


def _places(rows: pd.DataFrame) -> list[str]:
    """Name cuts, each with the horizons of its rows."""
    return [
        f"{amount} (horizon {', '.join(map(str, sorted(own['horizon'])))})"
        for amount, own in _by_cut(rows)
    ]


def _by_cut(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [
        (_amount(str(own["cut"].iloc[0]), int(own["number"].iloc[0])), own)
        for _, own in rows.groupby(["cut", "number"], sort=False)
    ]


def _cell(row: "pd.Series[Any]") -> str:
    if row["cut"] == ALL:
        return f"{row['value']:.3f}"
    return format_interval(
        row["change"], row["change_lower"], row["change_upper"], "+.3f"
    )


def _losses(rows: pd.DataFrame, names: "pd.Series[str]") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "": [str(name).replace("_", " ") for name in names.loc[rows.index]],
            "rank IC lost": [_number(value) for value in rows["loss"]],
            "standard error": [f"{value:.4f}" for value in rows["error"]],
            "control": [_number(value) for value in rows["control"]],
            "its error": [
                format_number(value, ".4f") for value in rows["control_error"]
            ],
        }
    )


def _counted(features: pd.DataFrame) -> str:
    """Count the features whose interval excludes zero, and name the first."""
    more = int((features["loss"] > Z * features["error"]).sum())
    less = int((features["loss"] < -Z * features["error"]).sum())
    first = features.nlargest(1, "loss").iloc[0]
    return (
        f"of {len(features)} features {more} lose significantly and {less} gain. "
        f"Chance alone would make {0.025 * len(features):.0f} of each. The largest "
        f"loss is that of {str(first['feature']).replace('_', ' ')}, "
        f"{_interval(first)}."
    )


def _hidden(form: str, what: str) -> str:
    if form == "feature":
        return f"feature: {what}"
    if form == EVERYTHING:
        return "everything: the rank IC itself"
    if what == "0":
        return "the origin's own session"
    sessions = f"{what} session{'s' if what != '1' else ''} before the origin"
    return f"{sessions} and all before" if form == "older" else sessions


def _amount(cut: str, number: int) -> str:
    if cut == ALL:
        return "all data"
    return f"{number} {cut if number != 1 else cut.removesuffix('s')}"


def _short(model: str) -> str:
    return NAMES[model].partition(",")[0]


def _of(table: pd.DataFrame, form: str, what: str) -> "pd.Series[Any]":
    rows = table[(table["form"] == form) & (table["what"] == what)]
    return rows.iloc[0]


def _side(row: "pd.Series[Any]") -> int:
    if abs(row["loss"]) <= Z * row["error"]:
        return 0
    return 1 if row["loss"] > 0 else -1


def _interval(row: "pd.Series[Any]") -> str:
    reach = Z * row["error"]
    loss = row["loss"]
    return format_interval(loss, loss - reach, loss + reach, "+.4f")


def _largest(values: "pd.Series[float]") -> float:
    return float(max(values, key=abs))


def _number(value: float) -> str:
    return format_number(value, "+.4f")
