"""Tables and sentences of notebook 92: published accuracies beside persistence."""

import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.anatomy_figures import draw_published_errors
from nse_lstm.reporting.display import Html, bullets, sentence
from nse_lstm.reporting.format import DASH, format_number
from nse_lstm.study.anatomy.published_claims import (
    CLAIMS,
    PAPER,
    WALK,
    WEEK,
    PublishedScores,
)

CLAIMED_BAND = 0.0077, 0.0191
"""Mean absolute errors of the first claim, fractions of the price."""
FORMATS = {
    "mape": ".2%",
    "accuracy": ".1%",
    "not_down": ".0%",
    "r_squared": ".3f",
    "scaled_rmse": ".3f",
    "naive_ratio": ".2f",
}


def headline(published: PublishedScores) -> Html:
    """State the first claim and the score of persistence beside it."""
    low, high = CLAIMED_BAND
    own = published.scores
    inside = int(own["mape"].between(low, high).sum())
    market = "On this simulated market" if published.simulated else "On this exchange"
    return sentence(
        f"Published: a mean absolute error of {low:.2%} to {high:.2%} of the price. "
        f"{market} “same price as yesterday” has {_spread(own['mape'], '.2%')} "
        f"({inside} of {len(own)} scores lie in the published band). An error in that "
        "band is no evidence of a forecast.",
        tone="no",
    )


def draw_errors(published: PublishedScores) -> Figure:
    """Draw each stock's error of persistence beside the published band.

    Parameters
    ----------
    published : PublishedScores
    """
    return draw_published_errors(
        published.scores.assign(
            span=published.scores["span"].map(
                {name: _years(years) for name, years in published.spans.items()}
            )
        ),
        band=CLAIMED_BAND,
    )


def claims_table(published: PublishedScores) -> pd.DataFrame:
    """Return one row per definition: the published number, persistence, and why.

    Parameters
    ----------
    published : PublishedScores
        Medians over its stocks in the walk-forward years, with their range.
    """
    rows = _walk(published)
    reasons = _reasons(rows)
    years = _years(published.spans[WALK])
    table = [
        {
            "definition": claim.definition,
            "published": claim.published or DASH,
            f"yesterday's price, {years}": _spread(
                rows[claim.metric], FORMATS[claim.metric]
            ),
            f"price {WEEK} sessions ago": _spread(
                rows.get(f"{claim.metric}_week"), FORMATS[claim.metric]
            ),
            "explanation": reasons[claim.metric],
        }
        for claim in CLAIMS
    ]
    return pd.DataFrame(table)


def sources() -> Html:
    """List where the published numbers stand."""
    return bullets(
        *(f"{claim.definition}: {claim.source}." for claim in CLAIMS if claim.source)
    )


def what_it_shows(published: PublishedScores) -> Html:
    """Summarise the page: what a published accuracy needs beside it."""
    rows = _walk(published)
    missing = (
        ""
        if published.simulated or PAPER in published.spans
        else "The files hold none of the first claim's years that may be scored. "
    )
    return sentence(
        f"{missing}All six definitions reward a forecast that knows nothing: "
        f"yesterday's price has an R² of {rows['r_squared'].median():.2f} and an "
        f"“accuracy” of {rows['accuracy'].median():.0%}. A claim needs the score of "
        "persistence on the same rows, as skill, and the error on returns."
    )


def _reasons(rows: pd.DataFrame) -> dict[str, str]:
    ratio, week = rows["naive_ratio"].median(), rows["r_squared_week"].median()
    return {
        "mape": "It is the size of the average daily move. A calm stock makes it "
        "small without any forecast.",
        "r_squared": "It compares with the mean price of the span, which is a poor "
        f"forecast. A price {WEEK} sessions old still has {week:.2f}.",
        "accuracy": "The same number again, turned round.",
        "scaled_rmse": "The error is divided by the range of all prices in the files. "
        "A longer history makes it smaller.",
        "naive_ratio": "A value below 1 seems to be skill. “No change” has "
        f"{ratio:.2f} here, because repeating a return adds its variance to the error.",
        "not_down": f"{rows['unchanged'].median():.0%} of the sessions have no move, "
        "and “not down” is right in all of them. Of the moves, "
        f"{rows['up'].median():.0%} are rises.",
    }


def _walk(published: PublishedScores) -> pd.DataFrame:
    return published.scores[published.scores["span"] == WALK]


def _spread(values: "pd.Series[float] | None", form: str) -> str:
    """Return a median with the range over stocks."""
    if values is None:
        return DASH
    numbers = [format_number(x, form) for x in (values.min(), values.max())]
    return f"{format_number(values.median(), form)} ({' to '.join(numbers)})"


def _years(years: list[int]) -> str:
    return f"{years[0]}" if len(years) == 1 else f"{years[0]} to {years[-1]}"
