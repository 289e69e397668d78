"""Sentences of notebook 03: how many models were trained, and which fit worst."""

import pandas as pd

from nse_lstm.reporting.display import Html, bullets


def training_findings(summary: pd.DataFrame) -> Html:
    """Read Phase 3: how many models, how long they trained, the worst of them."""
    summary = summary[summary["model"] == "v2"]
    worst = summary.sort_values("validation_loss").iloc[-1]
    first = int((summary["best_epoch"] == 1).sum())
    return bullets(
        f"{len(summary)} v2 models were trained, for {summary['ticker'].nunique()} "
        "stocks and the years "
        f"{', '.join(map(str, sorted(summary['year'].unique())))}.",
        f"They kept the weights of epoch {summary['best_epoch'].median():.0f} in the "
        f"median, of at most {summary['epochs'].max()} that were run; {first} of them "
        "those of the first epoch, which is to say that further training only took "
        "them further from the validation span.",
        f"The hardest to fit is {worst['ticker']} before {worst['year']}: validation "
        f"Huber loss {worst['validation_loss']:.4f} against a median of "
        f"{summary['validation_loss'].median():.4f}.",
    )
