"""Rules that hold for any prices: columns, the seal, spans, costs and the ledger."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import INDEX
from nse_lstm.features.returns import market_sessions
from nse_lstm.json_files import read_json
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.trials import read_trials

BANNED = ("adjust", "adjusted_price", "12m_low", "12m_high", "name", "change")
"""Printed columns with look-ahead or names; none may enter the panel."""
YEAR_WITHIN = 0.06
"""Relative difference allowed between a year's sessions and the annualisation."""
ROUNDING = 1e-9
EVALUATIONS = "test_year_evaluations.jsonl"


def check_rules(run: PipelineRun) -> list[AuditAlarm]:
    """Return one alarm per rule that a run breaks."""
    return [
        AuditAlarm(f"rule: {name}", where, detail)
        for name, where, detail in (
            *_columns(run),
            *_seal(run),
            *_spans(run),
            *_fitted_spans(run),
            *_money(run),
            *_sides(run),
            *_ledger(run),
        )
    ]


Broken = Iterator[tuple[str, str, str]]


def _columns(run: PipelineRun) -> Broken:
    for name in run.prices.columns:
        if name.lower().replace(" ", "_") in BANNED:
            yield (
                "columns",
                name,
                "may not enter the panel: it looks ahead or names a stock",
            )
    key = run.prices[["ticker", "session"]]
    if key.duplicated().any():
        yield "duplicates", str(key[key.duplicated()].iloc[0].tolist()), "two rows"


def _seal(run: PipelineRun) -> Broken:
    start = run.folds[-1].start
    last = read_sealed_panel(run.workspace)["session"].max()
    if last >= start:
        yield "seal", f"{last:%Y-%m-%d}", "a test session is in the sealed panel"


def _spans(run: PipelineRun) -> Broken:
    """Every label of one span must end before the next span's first origin."""
    for job in run.jobs:
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
    for year, rows in run.forecasts.groupby("fold"):
        if set(rows["target_date"].dt.year) != {year}:
            yield "spans", str(year), "forecasts of targets outside the fold"
        if (rows["origin"] >= rows["target_date"]).any():
            yield "spans", str(year), "an origin that is not before its target"


def _fitted_spans(run: PipelineRun) -> Broken:
    """Every stored model says its span's last target, which lies before its year."""
    for path in sorted(run.workspace.paths.models.rglob("metadata.json")):
        about = read_json(path)
        spans = [about[name] for name in ("train", "validation") if about.get(name)]
        dates = [span["last_target"] for span in spans if "last_target" in span]
        for last in dates:
            if pd.Timestamp(last) >= pd.Timestamp(about["year"], 1, 1):
                yield "spans", f"{path.parent.name} {about['year']}", f"label of {last}"
    if run.ranking:
        sessions, purge = market_sessions(run.prices), run.workspace.study.cross_section
        for fold in run.folds:
            last = pd.Timestamp(run.tabular.spans[fold.year]["last_target"])
            first = int(sessions.searchsorted(fold.start))
            if last >= sessions[first - purge.purge]:
                yield "spans", f"rank_lstm {fold.year}", f"label of {last:%Y-%m-%d}"


def _money(run: PipelineRun) -> Broken:
    backtest, returns = run.workspace.study.backtest, run.returns
    # Rebalancing to equal weights may trade no more than a rounding error.
    traded = returns[(returns["turnover"] > ROUNDING) & (returns["cost_bps"] > 0)]
    if (traded["net_return"] >= traded["gross_return"]).any():
        yield "costs", "strategy returns", "a trade that cost nothing"
    if not returns["position"].between(0, 1).all():
        yield "positions", "strategy returns", "short, or with borrowed money"
    sessions = run.prices.loc[run.prices["kind"] != "index", "session"]
    counts = sessions.drop_duplicates().dt.year.value_counts()
    usual = float(counts.median())
    if abs(backtest.sessions_per_year / usual - 1) > YEAR_WITHIN:
        detail = f"{backtest.sessions_per_year} assumed, {usual:.0f} in the data"
        yield "annualisation", "sessions per year", detail
    if backtest.delay < 1:
        detail = f"{backtest.delay}: filled at the price that is the signal"
        yield "fills", "delay", detail


def _sides(run: PipelineRun) -> Broken:
    """Strategies and holdings must earn the same stock, dividends and cash."""
    accounts = run.returns[run.returns["model"] != INDEX]
    stocks = accounts[accounts["ticker"] != POOL]
    for name, key in (
        ("stock_return", ["ticker", "session"]),
        ("cash_return", ["session"]),
    ):
        rows = stocks if name == "stock_return" else accounts
        spread = rows.groupby(key)[name].agg(np.ptp)
        if (spread > ROUNDING).any():
            yield "sides", str(spread.idxmax()), f"accounts of another {name}"
    mean = stocks.drop_duplicates(["ticker", "session"]).groupby("session")
    pooled = accounts[accounts["ticker"] == POOL].set_index("session")["stock_return"]
    apart = (pooled - mean["stock_return"].mean().reindex(pooled.index)).abs()
    if (apart > ROUNDING).any():
        yield "sides", str(apart.idxmax()), "equal weight holds other returns"
    idle = (1 - stocks["position"]) * stocks["cash_return"]
    earned = stocks["position"] * stocks["stock_return"] + idle
    if ((stocks["gross_return"] - earned).abs() > ROUNDING).any():
        yield "sides", "gross return", "is not the position's and the idle money's"


def _ledger(run: PipelineRun) -> Broken:
    lines = read_lines(run.workspace.paths.ledger / EVALUATIONS)
    if len(lines) != 1:
        detail = f"{len(lines)} lines after one evaluation"
        yield "ledger", "evaluations of the test year", detail
    trials = set(read_trials(run.workspace)["model"])
    traded = run.returns[(run.returns["turnover"] > 0)]
    traded = traded[traded["rule"].isin(["sign", "gate"])]
    years = [fold.year for fold in run.folds if fold.kind == "walk_forward"]
    headline = run.workspace.study.backtest.headline_cost_bps
    scored = traded[traded["fold"].isin(years) & (traded["cost_bps"] == headline)]
    missing = sorted(set(scored["model"]) - trials)
    if missing:
        yield "ledger", missing[0], "was traded and is not in the ledger of trials"
