"""Rules that hold whatever the prices: the seal, the ledger, costs, columns, years."""

from collections.abc import Iterator

import pandas as pd

from nse_lstm.study.audit.alarms import Alarm
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.trials import read_trials

BANNED = ("adjust", "adjusted_price", "12m_low", "12m_high", "name", "change")
"""Printed columns that look ahead or name; none may stand beside the prices."""
YEAR_WITHIN = 0.06
"""Share by which the sessions of a year may differ from the annualisation."""
ROUNDING = 1e-9
LOOKS = "test_year_looks.jsonl"


def check_rules(walk: PipelineRun) -> list[Alarm]:
    """Return an alarm for each rule that a walk breaks."""
    return [
        Alarm(f"rule: {name}", where, detail)
        for name, where, detail in (
            *_columns(walk),
            *_seal(walk),
            *_spans(walk),
            *_money(walk),
            *_ledger(walk),
        )
    ]


Broken = Iterator[tuple[str, str, str]]


def _columns(walk: PipelineRun) -> Broken:
    for name in walk.prices.columns:
        if name.lower().replace(" ", "_") in BANNED:
            yield "columns", name, "is known only later, or to no model"
    key = walk.prices[["ticker", "session"]]
    if key.duplicated().any():
        yield "duplicates", str(key[key.duplicated()].iloc[0].tolist()), "twice there"


def _seal(walk: PipelineRun) -> Broken:
    start = walk.folds[-1].start
    last = read_sealed_panel(walk.workspace)["session"].max()
    if last >= start:
        yield "seal", f"{last:%Y-%m-%d}", "a test session is in the sealed panel"


def _spans(walk: PipelineRun) -> Broken:
    """Every label of one span ends before the next span's first input is an origin."""
    for job in walk.jobs:
        where, start = f"{job.ticker} {job.year}", pd.Timestamp(job.year, 1, 1)
        last = pd.Timestamp(job.train.target_date.max())
        if last >= start:
            yield "spans", where, f"a training label of {last:%Y-%m-%d}"
        if job.architecture == "v1":
            continue
        if job.train.target_date.max() >= job.validation.origin.min():
            yield "spans", where, "training labels reach into the validation span"
        if pd.Timestamp(job.validation.target_date.max()) >= start:
            yield "spans", where, "validation labels reach into the fold"
    for year, rows in walk.forecasts.groupby("fold"):
        if set(rows["target_date"].dt.year) != {year}:
            yield "spans", str(year), "forecasts of targets outside the fold"
        if (rows["origin"] >= rows["target_date"]).any():
            yield "spans", str(year), "an origin that is not before its target"


def _money(walk: PipelineRun) -> Broken:
    backtest, books = walk.workspace.study.backtest, walk.returns
    # Evening out equal weights may deal a rounding error's worth.
    dealt = books[(books["turnover"] > ROUNDING) & (books["cost_bps"] > 0)]
    if (dealt["net_return"] >= dealt["gross_return"]).any():
        yield "costs", "strategy returns", "a deal that cost nothing"
    if not books["position"].between(0, 1).all():
        yield "positions", "strategy returns", "short, or with borrowed money"
    traded = walk.prices.loc[walk.prices["kind"] != "index", "session"]
    counts = traded.drop_duplicates().dt.year.value_counts()
    usual = float(counts.median())
    if abs(backtest.sessions_per_year / usual - 1) > YEAR_WITHIN:
        detail = f"{backtest.sessions_per_year} assumed, {usual:.0f} in the data"
        yield "annualisation", "sessions a year", detail
    if backtest.delay < 1:
        yield (
            "fills",
            "delay",
            f"{backtest.delay}: dealt at the price that is the signal",
        )


def _ledger(walk: PipelineRun) -> Broken:
    looks = read_lines(walk.workspace.paths.ledger / LOOKS)
    if len(looks) != 1:
        yield "ledger", "looks at the test year", f"{len(looks)} lines after one look"
    trials = set(read_trials(walk.workspace)["model"])
    dealt = walk.returns[(walk.returns["turnover"] > 0)]
    dealt = dealt[dealt["rule"].isin(["sign", "gate"])]
    years = [fold.year for fold in walk.folds if fold.kind == "walk_forward"]
    headline = walk.workspace.study.backtest.headline_cost_bps
    tried = dealt[dealt["fold"].isin(years) & (dealt["cost_bps"] == headline)]
    missing = sorted(set(tried["model"]) - trials)
    if missing:
        yield "ledger", missing[0], "was dealt and is no trial"
