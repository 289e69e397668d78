"""Show folds, trained models and bundles as tables in a notebook.

They are plain values of lower layers, so IPython learns their display from here.
"""

import sys
from typing import TYPE_CHECKING, Any

import pandas as pd

from nse_lstm.reporting.display import show_table

if TYPE_CHECKING:
    from nse_lstm.features.folds import Fold
    from nse_lstm.models.bundles import Bundle
    from nse_lstm.models.jobs import TrainedModel


def register_reprs() -> None:
    """Register the tables with a running notebook; elsewhere do nothing."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or shell.display_formatter is None:
        return
    html = shell.display_formatter.formatters["text/html"]
    # By name, so that nothing is imported before its first display.
    html.for_type_by_name("nse_lstm.features.folds", "Fold", show_fold)
    html.for_type_by_name("nse_lstm.models.jobs", "TrainedModel", show_model)
    html.for_type_by_name("nse_lstm.models.bundles", "Bundle", show_bundle)


def show_fold(fold: "Fold") -> str:
    """Return a fold as HTML: its training targets and its forecast targets."""
    last = fold.end - pd.Timedelta(days=1)
    return _show(
        f"Fold {fold.year}",
        {
            "kind": fold.kind.replace("_", " "),
            "trained on": f"targets before {fold.start.date()}",
            "forecast": f"targets from {fold.start.date()} to {last.date()}",
        },
    )


def show_model(model: "TrainedModel") -> str:
    """Return a training job's result as HTML."""
    return _show(
        f"{model.architecture} for {model.ticker} {model.year}",
        {
            "epochs": f"{model.best_epoch} of {model.epochs} kept",
            "training loss": f"{model.train_loss:.5f}",
            "validation loss": f"{model.validation_loss:.5f}",
            "seed": str(model.seed),
            "version": model.version[:12],
            "folder": str(model.folder),
            "failure": model.failure or "none",
        },
    )


def show_bundle(bundle: "Bundle") -> str:
    """Return a stored model as HTML: its layers and metadata."""
    about = bundle.metadata
    layers = ", ".join(
        layer.name for branch in bundle.model.architecture.branches for layer in branch
    )
    return _show(
        f"{about['architecture']} for {about['ticker']} {about['year']}",
        {
            "layers": layers,
            "parameters": f"{about['n_parameters']:,}",
            "input": f"{about['lookback']} sessions",
            "epochs": f"{about['best_epoch']} of {about['epochs']} kept",
            "seed": str(about["seed"]),
            "version": str(about["version"])[:12],
        },
    )


def _show(caption: str, rows: dict[str, Any]) -> str:
    table = pd.DataFrame({"property": rows.keys(), "value": rows.values()})
    return show_table(table, caption=caption).html
