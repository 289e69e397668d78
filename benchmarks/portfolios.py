"""Choose the portfolio rules' settings on 2014 to 2016, and report them on later years.

``choose`` trains the ranking models of 2014 to 2016 on a folder of price files, with
all earlier years, and scores a declared list of settings by the information ratio over
equal weight at the headline cost. The rule of choice was fixed before: among settings
within one standard error of the best ratio, the one with the least turnover. ``report``
runs the chosen settings, those of the study file, on stored rankings of later years.
Each prints a table and writes JSON. ``docs/portfolios.md`` holds the results.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.config import Portfolio, Study, override_study
from nse_lstm.evaluation.portfolio_backtest import (
    RankedMarket,
    continuous_market,
    read_rule_inputs,
    rule_path,
)
from nse_lstm.evaluation.portfolio_rules import TILTS
from nse_lstm.evaluation.rank_ensemble import average_ranks
from nse_lstm.evaluation.weighted_account import MarketCalendar, account_table
from nse_lstm.features.market_panel import MarketPanel, make_market_panel
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.paths import write_text
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import open_workspace
from nse_lstm.study.data_analysis.prepare import prepare_data
from nse_lstm.study.ranking.rank_models import EQUAL, MEMBERS, ranked_forecasts
from nse_lstm.study.validation.portfolios import MODELS, backtest_portfolios
from nse_lstm.tables import FORECASTS, PANEL, read_table

OUT = Path("build/bench/portfolios.json")
YEARS = (2014, 2015, 2016)
FIRST_TRIED = {"strength": 0.05, "cost_multiple": 2.0, "risk_aversion": 5.0}
"""The optimisation's settings while the ranking's were tried."""
SHARED = tuple(
    {"horizon": horizon, "smoothing": smoothing}
    for horizon, smoothing in product((5, 10), (1, 5))
)
"""Settings of the ranking that all rules share: tried with each rule."""
GRIDS = (
    ((0.03, 0.06, 0.1), (1.0, 2.0), (2.0, 10.0)),
    ((0.15, 0.3), (1.0, 2.0), (5.0, 20.0)),
)
"""Strengths, cost multiples and risk aversions; the second list came after the first.
"""
OWN = tuple(
    {"strength": strength, "cost_multiple": multiple, "risk_aversion": aversion}
    for grid in GRIDS
    for strength, multiple, aversion in product(*grid)
)
"""Settings of the optimisation, tried with the chosen ranking."""


def main() -> int:
    """Choose or report, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("choose", "report"))
    parser.add_argument("--raw", default="../shared/nse_all", help="folder of files")
    parser.add_argument("--market", default="nse")
    parser.add_argument("--root", required=True, help="folder of models and tables")
    parser.add_argument("--last", type=int, default=2022, help="last reported year")
    parser.add_argument("--out", default=str(OUT))
    options = parser.parse_args()
    found = choose(options) if options.what == "choose" else report(options)
    write_text(Path(options.out), json.dumps(found, indent=1) + "\n")
    return 0


def choose(options: argparse.Namespace) -> dict[str, Any]:
    """Score the declared settings on 2014 to 2016, and name the chosen ones."""
    workspace = open_workspace(
        options.root, market=options.market, raw=options.raw, test_year=YEARS[-1] + 1
    )
    first = {"first_year": YEARS[0]}
    overrides = {
        "folds": {"n_walk_forward": len(YEARS)},
        "universe": {"min_sessions": 900},
        "tabular": first,
        "rank_lstm": first | {"n_seeds": 3},
    }
    workspace = replace(workspace, study=override_study(workspace.study, overrides))
    prepare_data(workspace)
    data = open_study_data(workspace)
    forecasts = ranked_forecasts(data, progress=lambda line: print(line)).forecasts
    trial = Trials(data.study, data.panel, forecasts)
    rows = [
        trial.row(name, replace(Portfolio(), **FIRST_TRIED, **shared))
        for shared in SHARED
        for name in TILTS
    ]
    table = pd.DataFrame(rows)
    ratio = table.groupby(["horizon", "smoothing"], as_index=False)[
        ["information_ratio", "turnover"]
    ].mean()
    shared = pick(ratio, trial.error)[["horizon", "smoothing"]].astype(int).to_dict()
    own = [
        trial.row("optimised", replace(Portfolio(), **shared, **each)) for each in OWN
    ]
    table = pd.concat([table, pd.DataFrame(own)], ignore_index=True)
    table = table.drop_duplicates()
    names = ["strength", "cost_multiple", "risk_aversion"]
    chosen = shared | pick(pd.DataFrame(own), trial.error)[names].to_dict()
    print(table.to_string(float_format="{:.3g}".format))
    print("chosen", chosen, "one standard error of a ratio", trial.error)
    return {"trials": table.to_dict("records"), "chosen": chosen}


class Trials:
    """Backtests of one rule and setting at a time on the years of the choice."""

    def __init__(
        self, study: Study, panel: pd.DataFrame, forecasts: pd.DataFrame
    ) -> None:
        self.study = study
        self.forecasts = forecasts[
            (forecasts["model"] == EQUAL)
            & (forecasts["delay"] == study.backtest.delay)
            & forecasts["fold"].isin(YEARS)
        ]
        self.wide: MarketPanel = make_market_panel(panel, study.cross_section)
        inside = self.wide.member[self.wide.sessions.year >= YEARS[0] - 1]
        self.market: MarketCalendar = continuous_market(
            sorted(inside.columns[inside.any()]),
            with_returns(panel),
            sessions=market_sessions(panel),
            years=YEARS,
            total_years=[],
            backtest=study.backtest,
        )
        self.error = len(YEARS) ** -0.5
        self.equal = self._net("equal_weight", Portfolio())[0]

    def row(self, name: str, portfolio: Portfolio) -> dict[str, Any]:
        """Score one rule with one setting."""
        net, turnover, starts = self._net(name, portfolio)
        gap, year = net - self.equal, self.study.backtest.sessions_per_year
        return {
            "rule": name,
            "horizon": portfolio.horizon,
            "smoothing": portfolio.smoothing,
            "strength": portfolio.strength,
            "cost_multiple": portfolio.cost_multiple,
            "risk_aversion": portfolio.risk_aversion,
            "over_equal_weight": gap.mean() * year,
            "information_ratio": gap.mean() / gap.std() * year**0.5,
            "turnover": turnover,
            "lowest_start": (min(starts) - self.equal.mean()) * year,
            "highest_start": (max(starts) - self.equal.mean()) * year,
        }

    def _net(
        self, name: str, portfolio: Portfolio
    ) -> tuple["np.ndarray[Any, np.dtype[np.float64]]", float, list[float]]:
        """Return the mean net returns over starts, turnover, and each start's mean."""
        backtest = self.study.backtest
        inputs = read_rule_inputs(
            self.forecasts[self.forecasts["horizon"] == portfolio.horizon],
            self.market,
            self.wide,
            backtest=backtest,
            portfolio=portfolio,
            cross_section=self.study.cross_section,
        )
        ranked = RankedMarket(inputs, self.market, backtest, portfolio)
        tables = [
            account_table(
                self.market,
                rule_path(name, ranked, start=start),
                backtest=backtest,
                cost_bps=backtest.headline_cost_bps,
            )
            for start in range(portfolio.n_starts)
        ]
        net = np.mean([table["net_return"].to_numpy() for table in tables], axis=0)
        turnover = np.mean([table["turnover"].mean() for table in tables])
        starts = [float(table["net_return"].mean()) for table in tables]
        return net, float(turnover) * backtest.sessions_per_year, starts


def pick(table: pd.DataFrame, error: float) -> "pd.Series[Any]":
    """Return the least turnover within one standard error of the best ratio."""
    near = table["information_ratio"] >= table["information_ratio"].max() - error
    return table[near].sort_values("turnover", kind="stable").iloc[0]


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Score the study's own settings on stored rankings, without counting a trial."""
    workspace = open_workspace(options.root, market=options.market, raw=options.raw)
    folder = workspace.paths.processed
    panel = read_table(PANEL, folder / "panel.parquet")
    panel = panel[panel["session"] < pd.Timestamp(options.last + 1, 1, 1)]
    forecasts = pd.concat(list(_stored(workspace.paths.models)), ignore_index=True)
    own = forecasts[forecasts["model"].isin(MEMBERS)]
    forecasts = pd.concat([forecasts, average_ranks(own, MEMBERS, name=EQUAL)])
    result = backtest_portfolios(
        workspace.study,
        panel,
        with_returns(panel),
        forecasts[forecasts["fold"] <= options.last],
        models=MODELS,
    )
    scores = result.scores
    at = scores[
        scores["cost_bps"].isin([0, workspace.study.backtest.headline_cost_bps])
    ]
    print(at.to_string(float_format="{:.3g}".format))
    print(result.capacity.to_string(float_format="{:.3g}".format))
    return {
        "scores": json.loads(scores.to_json(orient="records")),
        "capacity": json.loads(result.capacity.to_json(orient="records")),
    }


def _stored(models: Path) -> Iterator[pd.DataFrame]:
    for kind in ("ranking", "rank_lstm"):
        for path in sorted((models / kind).glob("[0-9]*/forecasts.parquet")):
            yield read_table(FORECASTS, path)


if __name__ == "__main__":
    raise SystemExit(main())
