"""Explain the rankings and the worth of data on a market's own files.

    python benchmarks/explanation.py build/explained --market nse --raw FOLDER \
        --test-year 2023

Needs Phase 1's panel and, for the occlusion, the networks of the rank LSTM of every
walk-forward year, under ``--root``. Each part is a table in a file of its own, under
the version of data, sources and study, and is not made again where it is there: a
stopped run goes on. Prints the tables as Markdown with their figures beside them, to be
pasted into ``docs/forecasters-explained.md``. A quarter of an hour on two idle cores.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.config import study_document
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.versions import artefact_version
from nse_lstm.paths import write_text
from nse_lstm.reporting.curve_figures import (
    draw_hidden_features,
    draw_hidden_sessions,
    draw_learning_curve,
    draw_shuffled,
)
from nse_lstm.reporting.explained import (
    curve_reading,
    curve_rows,
    hidden_reading,
    hidden_rows,
    shuffled_reading,
    shuffled_rows,
)
from nse_lstm.reporting.markdown import markdown_table
from nse_lstm.study.core.jobs import ALL_STOCKS
from nse_lstm.study.core.phase_tables import read_facts, read_sealed_panel
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.experiments.explanation.learning_curves import learning_curve
from nse_lstm.study.experiments.explanation.occlusion import occlude
from nse_lstm.study.experiments.explanation.permutation import permutation_importance
from nse_lstm.study.experiments.ranking_task import make_ranking_task
from nse_lstm.study.experiments.search import prepare_ranking_task, search_years
from nse_lstm.study.experiments.search_spaces import FORECASTERS
from nse_lstm.study.ranking.rank_lstm import rank_lstm_folds
from nse_lstm.study.ranking.tabular_models import ranking_folds

N_DRAWS, N_CONTROLS = 2, 8
CURVE_YEARS = 4
"""Walk-forward years that the learning curves score: the last ones."""
N_YEARS, N_STOCKS = (1, 2, 4), (10, 25)

Tables = dict[str, pd.DataFrame]


def main() -> None:
    """Compute every missing part and print the finished ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", default="")
    parser.add_argument("--study", default="study.toml")
    parser.add_argument("--market", default="simulated")
    parser.add_argument("--raw", default="")
    parser.add_argument("--test-year", type=int, default=0)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    given = parser.parse_args()
    workspace = open_workspace(
        given.root,
        study=given.study,
        market=given.market,
        raw=given.raw,
        test_year=given.test_year,
    )
    folder = given.folder / version_of(workspace)[:12]
    tables = {name: made(workspace, name, folder) for name in given.parts}
    text = "\n\n".join(page(workspace, tables, folder))
    write_text(folder / "explained.md", f"{text}\n")
    print(text)


def version_of(workspace: Workspace) -> str:
    """Name the data, the sources and the study that all parts are of."""
    facts, study = read_facts(workspace), workspace.study
    depends_on = {
        "study": study_document(study),
    }
    return artefact_version(
        facts.digest,
        depends_on,
        study.seed,
        ticker=ALL_STOCKS,
        year=facts.test_year,
        made_by=(
            "study.experiments.explanation.occlusion",
            "study.experiments.explanation.learning_curves",
            "study.experiments.explanation.permutation",
        ),
    )


def made(workspace: Workspace, name: str, folder: Path) -> pd.DataFrame:
    """Return a part's table, as its file has it; make it if there is none."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        since = time.perf_counter()
        write_text(path, PARTS[name](workspace).to_csv(index=False))
        print(f"{name}: {time.perf_counter() - since:.0f} s", file=sys.stderr)
    return pd.read_csv(path, keep_default_na=False, na_values=["nan", ""]).fillna(
        {"what": ""}
    )


def shuffled(workspace: Workspace, *, model: str) -> pd.DataFrame:
    """Shuffle features of a tabular model on the years of the search."""
    return permutation_importance(
        prepare_ranking_task(workspace),
        FORECASTERS[model],
        n_draws=N_DRAWS,
        n_controls=N_CONTROLS,
    )


def hidden(workspace: Workspace) -> pd.DataFrame:
    """Hide features and sessions from the first seed's networks of the rank LSTM."""
    folds = rank_lstm_folds(workspace.study, ranking_folds(open_study_data(workspace)))
    seed = workspace.study.seed
    bundles = [
        load_bundle(workspace.paths.rank_lstm / str(fold.year) / f"seed_{seed}")
        for fold in folds
    ]
    panel = read_sealed_panel(workspace)
    return occlude(
        make_ranking_task(panel, study=workspace.study, folds=folds), bundles
    )


def curves(workspace: Workspace, *, models: tuple[str, ...]) -> pd.DataFrame:
    """Measure learning curves, with one network of the rank LSTM."""
    study = workspace.study
    study = replace(study, rank_lstm=replace(study.rank_lstm, n_seeds=1))
    folds = ranking_folds(open_study_data(workspace))[-CURVE_YEARS:]
    task = make_ranking_task(read_sealed_panel(workspace), study=study, folds=folds)
    return learning_curve(
        task,
        models,
        n_years=N_YEARS,
        n_stocks=N_STOCKS,
        progress=partial(print, file=sys.stderr, flush=True),
    )


PARTS: dict[str, Callable[[Workspace], pd.DataFrame]] = {
    "shuffled_ridge": partial(shuffled, model="ridge"),
    "shuffled_boosting": partial(shuffled, model="boosting"),
    "occlusion": hidden,
    "learning_curve": partial(curves, models=("ridge", "boosting")),
    "learning_curve_rank_lstm": partial(curves, models=("rank_lstm",)),
}


def page(workspace: Workspace, tables: Tables, folder: Path) -> list[str]:
    """Return the sections of the parts made as Markdown, and draw their figures."""
    found = []
    for model in ("ridge", "boosting"):
        if (table := tables.get(f"shuffled_{model}")) is not None:
            figure = draw_shuffled(table, model=model)
            found += [
                f"{years(search_years(workspace))}, mean over the horizons, "
                f"{N_DRAWS} shuffles per feature. A month is one observation.",
                picture(figure, folder, f"shuffled_{model}", "Rank IC by feature"),
                markdown_table(shuffled_rows(table)),
                shuffled_reading(table, model=model),
            ]
    if (table := tables.get("occlusion")) is not None:
        features, sessions = draw_hidden_features(table), draw_hidden_sessions(table)
        scored = rank_lstm_folds(
            workspace.study, ranking_folds(open_study_data(workspace))
        )
        found += [
            f"{years([fold.year for fold in scored])}, the networks of the first "
            "seed, mean over the horizons. A month is one observation.",
            picture(sessions, folder, "hidden_sessions", "Rank IC lost by session"),
            picture(features, folder, "hidden_features", "Rank IC lost by feature"),
            markdown_table(hidden_rows(table)),
            hidden_reading(table),
        ]
    curve = [own for name, own in tables.items() if name.startswith("learning_curve")]
    if curve:
        table = pd.concat(curve, ignore_index=True)
        figure = draw_learning_curve(table)
        scored = ranking_folds(open_study_data(workspace))[-CURVE_YEARS:]
        found += [
            f"{years([fold.year for fold in scored])}, one choice of the stocks, one "
            "network of the rank LSTM per year. First the rank IC with all data before "
            "the year, then the change with less data and its 95 % interval.",
            picture(figure, folder, "learning_curve", "Rank IC by data trained on"),
            markdown_table(curve_rows(table)),
            curve_reading(table),
        ]
    return found


def years(scored: Sequence[int]) -> str:
    """Name the years scored."""
    return f"Scored: {scored[0]} to {scored[-1]}"


def picture(figure: Figure, folder: Path, name: str, alt: str) -> str:
    """Save a figure where ``docs/figures`` can take it from; return its line."""
    path = folder / "figures" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    return f"![{alt}](figures/{name}.png)"


if __name__ == "__main__":
    main()
