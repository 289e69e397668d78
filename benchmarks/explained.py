"""What the rankings rest on and what data is worth, on a market's own files.

    python benchmarks/explained.py build/explained --market nse --raw FOLDER \
        --test-year 2023

Needs Phase 1's panel and, for the occlusion, the networks of v3 of every walk-forward
year, under ``--root``. Each part is a table in a file of its own and is not made again
where it is there; figures of the last two are drawn beside them. Ten minutes on two
idle cores.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.models.bundles import load_bundle
from nse_lstm.paths import write_text
from nse_lstm.reporting.curve_figures import draw_learning_curve, draw_occlusion
from nse_lstm.study.explanation import explain
from nse_lstm.study.ground import lay_ground
from nse_lstm.study.inputs import read_sealed_panel
from nse_lstm.study.learning_curves import EVERY_SHARE, learning_curve
from nse_lstm.study.occlusion import occlude
from nse_lstm.study.rivals import rival_folds
from nse_lstm.study.search import prepare_ground
from nse_lstm.study.search_spaces import FORECASTERS
from nse_lstm.study.v3 import v3_folds
from nse_lstm.study.workspace import Workspace, open_workspace

N_DRAWS, N_CONTROLS = 2, 6
CURVE_YEARS = 2
"""Walk-forward years that the learning curves score: the last ones."""
N_YEARS, N_SHARES = (1, 2, 4, 8), (10, 25, EVERY_SHARE)


def main() -> None:
    """Make every part that is not there, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", default="")
    parser.add_argument("--market", default="simulated")
    parser.add_argument("--raw", default="")
    parser.add_argument("--test-year", type=int, default=0)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    given = parser.parse_args()
    workspace = open_workspace(
        given.root, market=given.market, raw=given.raw, test_year=given.test_year
    )
    for name in given.parts:
        path = given.folder / f"{name}.csv"
        if not path.is_file():
            write_text(path, PARTS[name](workspace).to_csv(index=False))
        table = pd.read_csv(path)
        print(f"{name}\n{table.round(4).to_string(index=False)}", flush=True)
        if name in FIGURES:
            FIGURES[name](table).savefig(path.with_suffix(".png"), dpi=110)


def shuffled(workspace: Workspace, *, model: str) -> pd.DataFrame:
    """Shuffle features of a rival on the years of the search."""
    return explain(
        prepare_ground(workspace),
        FORECASTERS[model],
        n_draws=N_DRAWS,
        n_controls=N_CONTROLS,
    )


def hidden(workspace: Workspace) -> pd.DataFrame:
    """Hide features and sessions from the networks of v3, the first seed's."""
    folds = v3_folds(workspace, rival_folds(workspace))
    seed = workspace.study.seed
    bundles = [
        load_bundle(workspace.paths.v3 / str(fold.year) / f"seed_{seed}")
        for fold in folds
    ]
    panel = read_sealed_panel(workspace)
    return occlude(lay_ground(panel, study=workspace.study, folds=folds), bundles)


def curves(workspace: Workspace, *, models: tuple[str, ...]) -> pd.DataFrame:
    """Cut what some models are trained on."""
    folds = rival_folds(workspace)[-CURVE_YEARS:]
    panel = read_sealed_panel(workspace)
    ground = lay_ground(panel, study=workspace.study, folds=folds)
    return learning_curve(ground, models, n_years=N_YEARS, n_shares=N_SHARES)


PARTS: dict[str, Callable[[Workspace], pd.DataFrame]] = {
    "shuffled_ridge": partial(shuffled, model="ridge"),
    "shuffled_boosting": partial(shuffled, model="boosting"),
    "occlusion": hidden,
    "learning_curve": partial(curves, models=("ridge", "boosting")),
    "learning_curve_v3": partial(curves, models=("v3",)),
}
FIGURES = {"occlusion": draw_occlusion, "learning_curve": draw_learning_curve}

if __name__ == "__main__":
    main()
