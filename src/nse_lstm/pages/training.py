"""Sentences of notebook 03: how many models were trained, and which fit worst."""

import pandas as pd

from nse_lstm.pages.phrases import trained_phrase
from nse_lstm.reporting.display import Html, bullets


def training_findings(summary: pd.DataFrame) -> Html:
    """Summarise Phase 3: the models, their best epochs, the hardest stock.

    Parameters
    ----------
    summary : DataFrame
        ``training_summary.csv``.
    """
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
    )
