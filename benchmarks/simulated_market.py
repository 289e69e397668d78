"""The simulated market beside the real one: writes the table of the docs.

    python benchmarks/simulated_market.py --raw FOLDER

Both markets go through the same measures. Only statistics leave the real files. The
simulated column is the mean over a few markets of other seeds. Rank ICs are of the
monthly top 25 by trailing turnover, over twenty more markets of four years, at delay 1:
the oracle's, and those of a pooled ridge fitted on the first half and judged on the
second.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nse_lstm.config import Simulation
from nse_lstm.data.adjusted import with_returns
from nse_lstm.data.panel import build_panel
from nse_lstm.data.simulate import SimulatedMarket, simulate_market
from nse_lstm.data.simulation.direct import HORIZONS
from nse_lstm.data.stylised_facts import FACTS, stylised_facts
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.evaluation.scoring import realised

PAGE = Path(__file__).resolve().parents[1] / "docs" / "simulated_market.md"
START, END = "<!-- calibration -->", "<!-- end of calibration -->"
SEEDS = range(1, 4)
IC_SEEDS = range(101, 121)
SIGNALS = (0.0, 0.06)
TOP, SESSIONS, TRADED = 25, 120, 0.60


def main() -> None:
    """Measure and put the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="the real files")
    real = stylised_facts(build_panel(parser.parse_args().raw).panel)
    simulation = Simulation(last_year=2023)
    markets = [simulate_market(simulation, seed=seed) for seed in SEEDS]
    facts = pd.concat([stylised_facts(m.panel) for m in markets], axis=1).mean(axis=1)
    text = "\n".join([START, *_facts(real, facts), "", *_ics(), END])
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(START)[0], page.partition(END)[2]
    PAGE.write_text(before + text + after, encoding="utf-8", newline="\n")
    print(text)


def monthly_top(panel: pd.DataFrame) -> pd.DataFrame:
    """Return ``ticker origin`` of the month's top 25, known the session before it."""
    rows = panel[panel["kind"] == "ordinary"]
    board = rows.assign(turnover=(rows["price"] * rows["volume"]).fillna(0.0)).pivot(
        index="session", columns="ticker", values="turnover"
    )
    past = board.fillna(0.0).rolling(SESSIONS)
    traded = (board > 0).rolling(SESSIONS).mean().shift()
    median = past.median().shift().where(traded >= TRADED)
    chosen = median.rank(axis=1, ascending=False, method="first") <= TOP
    months = pd.Series(board.index.to_period("M"), index=board.index)
    held = chosen[~months.duplicated()].reindex(board.index, method="ffill")
    members = _long(held, "member")
    return members.loc[members["member"].eq(True), ["origin", "ticker"]]


def _long(board: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a board as ``origin ticker`` and one column."""
    wide = board.rename_axis(index="origin", columns="ticker").reset_index()
    return wide.melt("origin", value_name=name)


def oracle_ics(market: SimulatedMarket) -> "pd.Series[float]":
    """Return the oracle's mean rank IC by horizon; none of a constant."""
    members = market.oracle.merge(monthly_top(market.panel), on=["ticker", "origin"])
    daily = daily_rank_ic(members, market.panel)
    return daily.groupby("horizon")["rank_ic"].mean().reindex(HORIZONS)


def _facts(real: "pd.Series[float]", simulated: "pd.Series[float]") -> list[str]:
    lines = ["| fact | real | simulated | ratio |", "| --- | ---: | ---: | ---: |"]
    for name, meaning in FACTS.items():
        ratio = simulated[name] / real[name]
        lines.append(
            f"| {meaning} | {real[name]:.4f} | {simulated[name]:.4f} | {ratio:.2f} |"
        )
    return lines


def ridge_forecasts(market: SimulatedMarket) -> pd.DataFrame:
    """Return a pooled ridge's forecasts on past printed returns, second half only."""
    aims = market.oracle[market.oracle["horizon"] == 1].drop(columns="y_hat")
    features = _past_returns(market.panel)
    rows = realised(aims, market.panel).merge(features, on=["ticker", "origin"])
    middle = rows["origin"].sort_values(ignore_index=True)[len(rows) // 2]
    past = rows[rows["target_date"] < middle].dropna(subset=["y"])
    future = rows[rows["origin"] >= middle]
    names = [name for name in features if name not in ("ticker", "origin")]
    model = make_pipeline(StandardScaler(), Ridge(alpha=100.0))
    y = past["y"] - past.groupby("origin")["y"].transform("mean")
    model.fit(past[names], y)
    return future.assign(model="ridge", y_hat=model.predict(future[names]))[
        list(market.oracle)
    ]


def _past_returns(panel: pd.DataFrame) -> pd.DataFrame:
    """Return each origin's last five returns and its sums over 5, 10 and 20."""
    board = with_returns(panel).pivot(
        index="session", columns="ticker", values="log_return"
    )
    returns = board.fillna(0.0)
    columns = {f"lag_{lag}": returns.shift(lag) for lag in range(5)}
    columns |= {f"sum_{n}": returns.rolling(n).sum() for n in (5, 10, 20)}
    table = monthly_top(panel)
    for name, values in columns.items():
        table = table.merge(_long(values, name).dropna(), on=["ticker", "origin"])
    return table


def _ics() -> list[str]:
    heads = [*(f"oracle, h = {horizon}" for horizon in HORIZONS), "ridge, h = 1"]
    lines = [f"| signal | {' | '.join(heads)} |", "| ---: |" + " ---: |" * len(heads)]
    for signal in SIGNALS:
        simulation = Simulation(last_year=2016, signal=signal)
        markets = (simulate_market(simulation, seed=seed) for seed in IC_SEEDS)
        ics = pd.DataFrame([_ic_row(market) for market in markets])
        errors = ics.std() / np.sqrt(len(ics))
        cells = [
            "none" if np.isnan(mean) else f"{mean:.4f} ± {error:.4f}"
            for mean, error in zip(ics.mean(), errors, strict=True)
        ]
        lines.append(f"| {signal:g} | {' | '.join(cells)} |")
    return lines


def _ic_row(market: SimulatedMarket) -> list[float]:
    ridge = daily_rank_ic(ridge_forecasts(market), market.panel)["rank_ic"].mean()
    return [*oracle_ics(market), ridge]


if __name__ == "__main__":
    main()
