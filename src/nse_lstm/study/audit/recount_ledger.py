"""The ledger of trials as plain lines, and what a study must have written there."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from nse_lstm.study.audit.recount_data import RULES, Account, RecountData
from nse_lstm.study.audit.reference.statistics import mean, ratio

MILLION = 1_000_000
Key = tuple[str, str, str, str]
"""Data, study, model and rule."""


@dataclass(frozen=True)
class PlainTrial:
    """One trial: its strategy, sessions and returns over cash."""

    key: Key
    sessions: list[date]
    excess: list[float]
    is_judged: bool


@dataclass(frozen=True)
class PlainLedger:
    """The trials of a market, and the judged strategy's returns over cash."""

    trials: list[PlainTrial]
    judged: list[float]
    sessions: list[date]
    """Of the judged returns."""
    n_evaluations: int
    """Distinct studies and data evaluated on the test year."""

    @cached_property
    def other_ratios(self) -> list[float]:
        """Sharpe ratios per session of the other trials that traded."""
        found = [ratio(t.excess) for t in self.trials if not t.is_judged]
        return [value for value in found if not math.isnan(value)]

    @cached_property
    def matrix(self) -> list[list[float]]:
        """Returns of every trial that has all sessions of the judged strategy."""
        wanted, found = set(self.sessions), []
        for trial in self.trials:
            if wanted <= set(trial.sessions):
                by_day = dict(zip(trial.sessions, trial.excess, strict=True))
                found.append([by_day[day] for day in self.sessions])
        return found


def read_ledger(data: RecountData, folder: Path) -> PlainLedger:
    """Read the ledger's lines, and know the judged strategy's trial by its returns.

    Parameters
    ----------
    data : RecountData
    folder : Path
        ``Paths.ledger``.
    """
    verdict, cost = data.study.verdict, data.backtest.headline_cost_bps
    pool = years_pool(data, verdict.model, verdict.rule, cost)
    judged = [booking.net - booking.cash for booking in pool]
    millionths = [round(value * MILLION) for value in judged]
    days = {
        line["calendar"]: _days(line) for line in _lines(folder / "calendars.jsonl")
    }
    grouped: dict[Key, list[dict[str, Any]]] = {}
    for line in _lines(folder / "trials.jsonl"):
        key = (line["data"], line["study"], line["model"], line["rule"])
        grouped.setdefault(key, []).append(line)
    trials = []
    for key, lines in grouped.items():
        same = [line for line in lines if line["calendar"] == lines[0]["calendar"]]
        series = [[int(text) for text in line["excess_ppm"].split()] for line in same]
        excess = [mean(values) / MILLION for values in zip(*series, strict=True)]
        trials.append(
            PlainTrial(
                key,
                days[lines[0]["calendar"]],
                excess,
                any(_near(values, millionths) for values in series),
            )
        )
    evaluations = _lines(folder / "test_year_evaluations.jsonl")
    return PlainLedger(
        trials,
        judged,
        [booking.session for booking in pool],
        sum(line["test_year"] == data.test_year for line in evaluations),
    )


def years_pool(data: RecountData, model: str, rule: str, cost: int) -> Account:
    """Return a strategy's pool over all walk-forward years, one after the other.

    Parameters
    ----------
    data : RecountData
    model, rule, cost
        The strategy.
    """
    return [b for fold in data.before_test for b in data.pools[fold, model, rule, cost]]


def compare_ledger(data: RecountData, ledger: PlainLedger) -> Iterator[tuple[str, str]]:
    """Compare the study's own trials with the strategies that plain code trades.

    Every strategy on a forecast that traded at the headline cost needs one trial with
    its returns over cash, and no other model of Phase 4 may have one.

    Parameters
    ----------
    data : RecountData
    ledger : PlainLedger

    Yields
    ------
    tuple of str and str
        Model and rule, and the difference.
    """
    cost = data.backtest.headline_cost_bps
    expected = {
        (model, rule): years_pool(data, model, rule, cost)
        for model in data.models
        for rule in RULES
    }
    for (model, rule), pool in expected.items():
        where = f"{model} {rule}"
        excess = [round((b.net - b.cash) * MILLION) for b in pool]
        own = [trial for trial in ledger.trials if trial.key[2:] == (model, rule)]
        traded = any(booking.turnover for booking in pool)
        if traded != bool(own):
            yield where, f"{len(own)} trials, reference {int(traded)}"
        elif own and not any(
            _near([round(v * MILLION) for v in trial.excess], excess) for trial in own
        ):
            yield where, f"none of {len(own)} trials has the reference's returns"


def _near(one: list[int], other: list[int]) -> bool:
    """Say whether two series agree but for the rounding of a millionth."""
    return len(one) == len(other) and all(
        abs(a - b) <= 1 for a, b in zip(one, other, strict=True)
    )


def _days(line: dict[str, Any]) -> list[date]:
    found = [date.fromisoformat(line["first"])]
    for gap in line["days_after"].split():
        found.append(found[-1] + timedelta(days=int(gap)))
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
