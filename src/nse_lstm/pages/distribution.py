"""Tables and sentences about the stock LSTM's distribution, and a stock's fan."""

import pandas as pd

from nse_lstm.evaluation.distribution_scores import ALL_YEARS
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.pages.stock_forecasts import MODEL, NOT_A_PROFIT
from nse_lstm.reporting.display import Html, sentence, show_table
from nse_lstm.reporting.format import join_words

REJECTED = 0.01
"""A value at risk is rejected below this p-value."""
RISKS = ("95", "99")
TESTS = ("kupiec", "christoffersen")
BASIS_POINTS = 1e4


def show_distribution(scores: pd.DataFrame) -> Html:
    """Show CRPS, coverage and value at risk of the walk-forward years.

    Parameters
    ----------
    scores : DataFrame
        ``DISTRIBUTION_SCORES``.
    """
    if MODEL not in set(scores["model"]):
        return sentence("The stock LSTM is not trained in this study.")
    own = scores[scores["fold"] == ALL_YEARS]
    table = show_table(
        distribution_table(own),
        caption="Walk-forward years, all stocks, log returns (CRPS in basis points)",
    )
    return Html(table.html + sentence(risk_sentence(own)).html)


def distribution_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the models' scores over all stocks, one row per horizon and model.

    Parameters
    ----------
    scores : DataFrame
        ``DISTRIBUTION_SCORES`` of one fold.
    """
    pooled = scores[scores["ticker"] == POOL]
    wide = pooled.pivot(index=["horizon", "model"], columns="metric", values="value")
    order = wide["crps"].sort_values().index
    wide = wide.loc[sorted(order, key=lambda place: place[0])].reset_index()
    own = wide[wide["model"] == MODEL].set_index("horizon")["crps"]
    less = 1 - wide["horizon"].map(own) / wide["crps"]
    p_value = wide.get("dm_p_value", pd.Series(float("nan"), wide.index))
    return pd.DataFrame(
        {
            "sessions ahead": wide["horizon"].astype(str),
            "model": wide["model"],
            "CRPS": (BASIS_POINTS * wide["crps"]).map("{:.1f}".format),
            "stock LSTM lower by": less.map("{:+.1%}".format).where(
                wide["model"] != MODEL, "\N{EN DASH}"
            ),
            "p": p_value.map("{:.2g}".format).where(p_value.notna(), "\N{EN DASH}"),
            "inside the 90 % band": wide["coverage_90"].map("{:.1%}".format),
            "below the 5 % quantile": wide["below_05"].map("{:.1%}".format),
            "below the 1 % quantile": wide["below_01"].map("{:.1%}".format),
        }
    )


def risk_sentence(scores: pd.DataFrame) -> str:
    """Say for how many stocks the stock LSTM's value at risk is not rejected.

    Parameters
    ----------
    scores : DataFrame
        ``DISTRIBUTION_SCORES`` of one fold.
    """
    own = scores[(scores["model"] == MODEL) & (scores["horizon"] == 1)]
    parts = []
    for risk in RISKS:
        names = [f"{test}_{risk}" for test in TESTS]
        tests = own[own["metric"].isin(names)].groupby("ticker")["value"].min()
        kept = int((tests >= REJECTED).sum())
        parts.append(f"at {risk} % for {kept} of {len(tests)} stocks")
    return (
        "The stock LSTM's value at risk of the next session passes both Kupiec's and "
        f"Christoffersen's test at the 1 % level {join_words(parts)}. {NOT_A_PROFIT}"
    )
