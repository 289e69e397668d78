"""Sentences of notebook 03: how many models were trained, and which fit worst."""

import pandas as pd

from nse_lstm.models.stock_lstm import POOL, STOCK_LSTM
from nse_lstm.pages.phrases import trained_phrase
from nse_lstm.reporting.display import Html, bullets


def training_findings(summary: pd.DataFrame) -> Html:
    """Summarise Phase 3: the models, their best epochs, the hardest stock, the cost.

    Parameters
    ----------
    summary : DataFrame
        ``training_summary.csv``.
    """
    more = _stock_lstm_finding(summary)
    summary = summary[summary["model"] == "v2"]
    worst = summary.sort_values("validation_loss").iloc[-1]
    first = int((summary["best_epoch"] == 1).sum())
    return bullets(
        f"v2 was trained as {trained_phrase(summary)}.",
        "The median model kept the weights of epoch "
        f"{summary['best_epoch'].median():.0f}, of at most {summary['epochs'].max()} "
        f"that were run. {first} models kept those of the first epoch: further "
        "training only moved them away from the validation span.",
        f"The model that is hardest to fit is {worst['ticker']} before "
        f"{worst['year']}: validation Huber loss {worst['validation_loss']:.4f} "
        f"against a median of {summary['validation_loss'].median():.4f}.",
        *more,
    )


def _stock_lstm_finding(summary: pd.DataFrame) -> list[str]:
    """Summarise the stock LSTM's training, with its time beside v2's."""
    own = summary[summary["model"] == STOCK_LSTM]
    stocks = own[own["ticker"] != POOL]
    if stocks.empty:
        return []
    seconds = summary.groupby("model")["seconds"].sum()
    kept = int((stocks["best_epoch"] == 0).sum())
    return [
        f"The stock LSTM was pretrained {len(own) - len(stocks)} times and then "
        f"fine-tuned as {trained_phrase(stocks)}. In {kept} of them the pretrained "
        "network was best and stayed as it was. All of it took "
        f"{seconds[STOCK_LSTM]:,.0f} s of processor time, v2 {seconds['v2']:,.0f} s."
    ]
