"""The declared claims on a page: one picture, one sentence each, and the table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.claims_figure import NONE, draw_claims
from nse_lstm.reporting.display import Html, bullets, picture, sentence, show_table
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.index import PlainAnswer

ALL, KNOWN, UNTOUCHED = "all", "known", "untouched"
QUESTIONS = {
    "price": "Can an LSTM forecast the next price?",
    "direction": "And its direction?",
    "ranking": "Do models rank stocks beyond four plain signals?",
    "risk": "Can it forecast risk?",
    "tilt": "Does a tilted portfolio pay after costs?",
    "execution": "Does it help to time orders?",
    "cash": "Did any account beat a Treasury bill?",
}
MEASURES = {
    "skill": ("less squared error", ".1%", 1.0, ""),
    "direction": ("of moves called right", "+.1f", 100.0, " points"),
    "rank_ic": ("rank IC", "+.3f", 1.0, ""),
    "crps": ("less CRPS", ".1%", 1.0, ""),
    "net_return": ("per year", "+.1%", 1.0, ""),
    "best_return": ("per year", "+.1%", 1.0, ""),
    "saving": ("saved per side", "+.1f", 1.0, " bps"),
}
"""By statistic: its words, its format, the factor to its unit, and the unit."""
NAMES = {
    "placebo": "stale forecasts",
    "cash": "the 91-day bill",
    "ensemble_equal": "equal blend",
    "four_signals": "four signals",
    "best": "the best account",
    "ewma_volatility": "EWMA volatility",
    "garch": "GARCH",
    "equal_weight": "equal weight",
}
ANSWERS = {
    "yes": "Yes",
    "no": "No",
    "undecided": "No evidence of it",
    "not yet": "Not yet",
    "not measured": "Not measured in this build",
}
NOT_YET = (
    "“Not yet”: the test holds on known years, which is a replication, and the "
    "untouched years have not been read."
)
LABELS = {KNOWN: "known years", UNTOUCHED: "untouched years", "other": "all"}
NO_CLAIMS = "This study file declares no claims."
USES = {
    "price": "check tomorrow's prints against the forecast",
    "direction": "check the side of tomorrow's move",
    "ranking": "screen stocks by the blend of models",
    "risk": "size positions by the forecast spread",
    "tilt": "tilt a portfolio slowly toward the ranking",
    "execution": "time orders that are sent anyway",
    "cash": "hold the best account instead of bills",
}
"""By claim: what a fund could do where it holds."""


def claim_effect(row: Mapping[str, Any]) -> str:
    """Return a claim's effect and interval in its own unit.

    Parameters
    ----------
    row : mapping
        Of ``CLAIMS``.
    """
    if not row["n"]:
        return NONE
    words, how, factor, unit = MEASURES[row["statistic"]]
    value, low, high = (
        format_number(factor * row[name], how) for name in ("effect", "lower", "upper")
    )
    return f"{value}{unit} [{low}, {high}] {words}"


def claim_answers(claims: pd.DataFrame) -> list[PlainAnswer]:
    """Answer every declared claim in one plain sentence.

    Parameters
    ----------
    claims : DataFrame
        ``CLAIMS``; none for a study file without claims.
    """
    if claims.empty:
        return []
    return [
        PlainAnswer(
            question=QUESTIONS.get(row["claim"], row["claim"]),
            answer=ANSWERS[row["answer"]],
            evidence=f"{claim_effect(row)}, against {_against(row)}"
            if row["n"]
            else f"against {_against(row)}",
        )
        for row in _records(claims[claims["span"] == ALL])
    ]


def draw_family(claims: pd.DataFrame) -> Html:
    """Show effect and interval of every claim in one picture.

    Parameters
    ----------
    claims : DataFrame
        ``CLAIMS``.
    """
    if claims.empty:
        return sentence(NO_CLAIMS)
    rows = _records(claims[claims["span"] == ALL])
    words = sentence(NOT_YET) if "not yet" in {row["answer"] for row in rows} else None
    figure = draw_claims_in_words(claims)
    drawn = picture(figure, alt="Every declared claim, effect and 95 % interval.")
    return Html(drawn.html + words.html) if words else drawn


def draw_claims_in_words(claims: pd.DataFrame) -> Figure:
    """Draw the claims over all spans, each with its effect in its own unit.

    Parameters
    ----------
    claims : DataFrame
        ``CLAIMS``.
    """
    rows = _records(claims[claims["span"] == ALL])
    return draw_claims(
        claims,
        effects={row["claim"]: claim_effect(row) for row in rows},
        names={row["claim"]: f"against {_against(row)}" for row in rows},
    )


def show_claims(claims: pd.DataFrame) -> Html:
    """Show every claim on every span of years as a table, with the reading of it.

    Parameters
    ----------
    claims : DataFrame
        ``CLAIMS``.
    """
    if claims.empty:
        return sentence(NO_CLAIMS)
    table = pd.DataFrame(
        [
            {
                "claim": row["claim"],
                "answer, adjusted p": ", ".join(
                    [ANSWERS.get(row["answer"], "–"), *_p_value(row["adjusted"])]
                ),
                "effect [95 %]": claim_effect(row),
                "compared": f"{_name(row['model'])} against {_against(row)}",
                "years": _years(row) + (f", {row['n']:,} sessions" if row["n"] else ""),
                "useful, detectable": ", ".join(
                    _unit(row, name)
                    for name in ("smallest_useful", "smallest_detectable")
                ),
            }
            for row in _records(_without_copies(claims))
        ]
    )
    return Html(
        show_table(table).html
        + bullets(*_readings(claims), *fund_sentences(claims)).html
    )


def fund_sentences(claims: pd.DataFrame) -> list[str]:
    """Say what a fund could do with the answers, and what it must not conclude.

    Parameters
    ----------
    claims : DataFrame
        ``CLAIMS``.
    """
    if claims.empty:
        return []
    answers = claims[claims["span"] == ALL].set_index("claim")["answer"]
    held, shown = (
        [USES[name] for name in answers.index[answers == each] if name in USES]
        for each in ("yes", "not yet")
    )
    said = []
    if held:
        said.append(f"What a fund could do on Monday: {', '.join(held)}.")
    if shown:
        said.append(
            "What a fund could try on Monday, without money until the untouched years "
            f"are read: {', '.join(shown)}."
        )
    if not said:
        said.append("Nothing here gives a fund a reason to act on Monday.")
    said.append(
        "What it must not conclude: that a forecast of the next price is a profit. The "
        "price is the day's average and known only after the close."
    )
    if answers.get("cash") != "yes":
        said.append("Nor that any account here earns more than a Treasury bill.")
    return said


def _readings(claims: pd.DataFrame) -> list[str]:
    """Say how the family is judged, and what was not measured or not read."""
    whole = claims[claims["span"] == ALL]
    said = [
        "A yes needs a one-sided test that holds for the whole family (Holm), and the "
        "same sign on years that nobody had read.",
    ]
    if absent := sorted(whole.loc[whole["n"] == 0, "claim"]):
        said.append(f"Not measured in this build: {', '.join(absent)}.")
    if (whole["answer"] == "not yet").any():
        said.append(NOT_YET)
    if not {KNOWN, UNTOUCHED, "chosen_on"} & set(claims["span"]):
        said.append(
            "This market keeps no untouched years: its claims are decided without them."
        )
    small = whole[
        (whole["answer"] == "yes") & (whole["upper"] < whole["smallest_useful"])
    ]
    if len(small):
        said.append(f"Too small to be useful: {', '.join(small['claim'])}.")
    return said


def _years(row: Mapping[str, Any]) -> str:
    """Return a row's years and, after a comma, its label."""
    years = LABELS.get(row["span"], row["span"].replace("_", " "))
    return f"{years}, {row['label']}" if row["label"] else years


def _without_copies(claims: pd.DataFrame) -> pd.DataFrame:
    """Leave out a claim's only span, which is all of its years, and keep its label."""
    spans = claims[claims["span"] != ALL]
    counts = spans["claim"].value_counts()
    single = spans[spans["claim"].map(counts) == 1]
    kept = claims.drop(single.index)
    for name in ("label", "span"):
        own = kept["claim"].map(single.set_index("claim")[name])
        kept[name] = own.where(kept["span"] == ALL).fillna(kept[name])
    return kept


def _records(claims: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): value for name, value in row.items()}
        for row in claims.to_dict("records")
    ]


def _against(row: Mapping[str, Any]) -> str:
    return " or ".join(_name(each) for each in str(row["against"]).split(" or "))


def _name(model: str) -> str:
    """Return the name of a model, or of a model and the rule of its account."""
    first, *rule = model.split(" ")
    return " ".join([NAMES.get(first, name_of(first)), *rule])


def _unit(row: Mapping[str, Any], column: str) -> str:
    _, how, factor, unit = MEASURES[row["statistic"]]
    if pd.isna(row[column]):
        return "–"
    return f"{format_number(factor * row[column], how.replace('+', ''))}{unit}"


def _p_value(value: float) -> list[str]:
    """Return a p-value in words; nothing where there is none."""
    if pd.isna(value):
        return []
    return ["below 0.001" if value < 0.001 else format_number(value, ".3f")]
