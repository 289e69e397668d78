"""Share of the oracle's rank IC that each model recovers on simulated markets.

    python benchmarks/signal_recovery.py build/recovered --markets 10

Markets with one planted part each (linear, nonlinear, stock-specific), with all and
with none are drawn straight into tables; all models are fitted on the years before the
last and judged on it, on the monthly universe, traded one session later. Each market's
numbers go to a file of its own, and a market that has one is not measured again. The
means over markets are printed as tables with their standard errors. Without a signal
there is nothing to recover, and the rank ICs themselves should be 0.
"""

import argparse
from pathlib import Path

import pandas as pd

from nse_lstm.config import Market, Study, Verdict
from nse_lstm.data.simulate import simulate_market
from nse_lstm.evaluation.oracle import summarise_recovered
from nse_lstm.paths import write_text
from nse_lstm.study.experiments.explanation.signal_recovery import KINDS, measure_market
from nse_lstm.study.ranking.rank_models import MEMBERS

STUDY = Study(
    market=Market(name="simulated", label="Simulated", simulated=True),
    verdict=Verdict(bootstrap_reps=1),
)
"""The error is taken over markets: there is no use for one within a market."""
MODELS = (*MEMBERS, "ridge_per_stock")
FIRST_SEED = 201


def main() -> None:
    """Measure market by market, then print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--markets", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--last-year", type=int, default=2017)
    parser.add_argument("--shares", type=int, default=40)
    given = parser.parse_args()
    tables = []
    for kind in given.kinds:
        for seed in range(given.first_seed, given.first_seed + given.markets):
            path = given.folder / f"{kind}-{seed}.csv"
            if not path.is_file():
                simulation = KINDS[kind].simulation(
                    last_year=given.last_year, n_ordinary=given.shares
                )
                table = measure_market(
                    simulate_market(simulation, seed=seed),
                    study=STUDY,
                    year=given.last_year,
                    models=tuple(given.models),
                ).assign(kind=kind, market=seed)
                write_text(path, table.to_csv(index=False))
                print(f"{kind} market {seed} done", flush=True)
            tables.append(pd.read_csv(path))
    print(to_markdown(summarise_recovered(pd.concat(tables))))


def to_markdown(summary: pd.DataFrame) -> str:
    """Return one table per kind: recovered shares, or rank ICs without a signal."""
    blocks = []
    for kind, rows in summary.groupby("kind", sort=False):
        has_signal = rows["share"].notna().any()
        value = "share" if has_signal else "rank_ic"
        pairs = zip(rows[value], rows[f"{value}_error"], strict=True)
        wide = rows.assign(cell=[f"{m:.3f} ± {e:.3f}" for m, e in pairs]).pivot(
            index="model", columns="horizon", values="cell"
        )
        title = f"{kind}: {value.replace('_', ' ')}, {rows['n_markets'].min()} markets"
        if has_signal:
            oracle = rows.groupby("horizon")["oracle_ic"].mean().map("{:.3f}".format)
            title += f"; the oracle's rank IC is {' / '.join(oracle)}"
        heads = [f"h = {horizon}" for horizon in wide.columns]
        lines = [
            f"| {' | '.join(row)} |"
            for row in (
                ["model", *heads],
                ["---", *["---:"] * len(heads)],
                *([str(model), *cells] for model, cells in wide.iterrows()),
            )
        ]
        blocks.append("\n".join([f"{title}\n", *lines]))
    return "\n\n".join(blocks)


if __name__ == "__main__":
    main()
