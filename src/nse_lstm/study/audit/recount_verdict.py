"""Recount the verdict, the report card and the choice of models."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nse_lstm.study.audit.recount_basis import basis_words, plain_basis, plain_tax
from nse_lstm.study.audit.recount_data import EQUAL, HOLD, Account, RecountData
from nse_lstm.study.audit.recount_evidence import NAIVE, PlainTests
from nse_lstm.study.audit.recount_ledger import PlainLedger, years_pool
from nse_lstm.study.audit.recount_scores import Expected
from nse_lstm.study.audit.reference.choices import (
    choose_champion,
    paired_losses,
)
from nse_lstm.study.audit.reference.measures import accuracy, grown, money, wins
from nse_lstm.study.audit.reference.statistics import (
    NORMAL,
    deflated_ratio,
    mean,
    quantile,
    ratio,
    resampled_means,
    varies,
)
from nse_lstm.study.core.jobs import served_model

ANSWERS = ("no", "undecided", "yes")
"""Their place stands for the answer among the published numbers."""
FEWEST_HELD = 20
"""Sessions for which a stock is held before its Sharpe ratio counts."""
STRATEGY = "verdict.json", "verdict"


def recount_verdict(data: RecountData, ledger: PlainLedger, folder: Path) -> Expected:
    """Yield the numbers of the verdict.

    Parameters
    ----------
    data : RecountData
    ledger : PlainLedger
    folder : Path
        ``Paths.evaluation``, whose document says whether the audit was clean.
    """
    document = _read(folder / "verdict.json")
    verdict, backtest = data.study.verdict, data.backtest
    cost, per_year = backtest.headline_cost_bps, backtest.sessions_per_year
    pool = years_pool(data, verdict.model, verdict.rule, cost)
    held = years_pool(data, HOLD, "hold", cost)
    exposure = mean([booking.position for booking in pool])
    tests, n = PlainTests(data), len(pool)
    traded = any(booking.position for booking in pool)
    bounds: dict[str, list[float]] = {}
    for name, excess in {
        "excess_over_cash": ledger.judged,
        "excess_over_holding": [
            own.net - exposure * other.net - (1 - exposure) * own.cash
            for own, other in zip(pool, held, strict=True)
        ],
    }.items():
        means = resampled_means(excess, tests.resamples(n))
        ends = [quantile(means, tail) * per_year for tail in tests.tails]
        bounds[name] = [mean(excess) * per_year, *ends]
        for end, value in zip(("mean", "lower", "upper"), bounds[name], strict=True):
            yield (*STRATEGY, name, end), value
    missed = exposure * plain_basis(data, data.before_test).missed
    tax = exposure * plain_tax(data, data.before_test)
    found = ratio(ledger.judged) if traded else math.nan
    deflated = math.nan
    if varies(ledger.judged):
        deflated = deflated_ratio(ledger.judged, ledger.other_ratios)
    numbers = {
        "sharpe_over_cash": found * math.sqrt(per_year),
        "smallest_detectable_sharpe": NORMAL.inv_cdf(0.5 + verdict.confidence / 2)
        / math.sqrt(n / per_year),
        "exposure": exposure,
        "n_sessions": n,
        "years": n / per_year,
        "deflated_sharpe": deflated,
        "answer": ANSWERS.index(
            _answer(
                list(bounds.values()),
                traded=traded,
                proven=deflated >= verdict.min_deflated_sharpe
                and bounds["excess_over_cash"][1] > tax
                and bounds["excess_over_holding"][1] > missed
                and document["verdict"]["audit_clean"] is True,
            )
        ),
    }
    for name, value in numbers.items():
        yield (*STRATEGY, name), value
    yield ("verdict.json", "n_trials"), len(ledger.trials)
    yield ("verdict.json", "evaluation", "n_evaluations"), ledger.n_evaluations
    yield ("verdict.json", "test_year"), data.test_year
    yield ("verdict.json", "evaluation", "test_year"), data.test_year


def _answer(bounds: list[list[float]], *, traded: bool, proven: bool) -> str:
    """Return the verdict that mean, lower and upper bound of both excesses give."""
    if not traded:
        return "undecided"
    if any(upper < 0 for _, _, upper in bounds):
        return "no"
    return "yes" if proven and all(lower > 0 for _, lower, _ in bounds) else "undecided"


def recount_selection(data: RecountData, folder: Path) -> Expected:
    """Yield the losses behind each stock's choice on the walk-forward years.

    Parameters
    ----------
    data : RecountData
    folder : Path
        ``Paths.evaluation``, whose document names the stocks.
    """
    for at, row in enumerate(_read(folder / "selection.json")):
        losses = plain_losses(data, row["ticker"])
        shared = paired_losses(losses)
        place = ("selection.json", at)
        n = len(shared)
        yield (*place, "n"), n
        means = {m: mean([each[m] for each in shared]) for m in losses if shared}
        champion, challenger = row["champion"], row["challenger"]
        yield (*place, "loss_champion"), means.get(champion, math.nan)
        network = served_model(data.study)
        yield (*place, "loss_network"), means.get(network, math.nan)
        if challenger in means and champion in means:
            gaps = [each[challenger] - each[champion] for each in shared]
            spread = mean([(gap - mean(gaps)) ** 2 for gap in gaps])
            error = math.sqrt(spread / (n - 1)) if n > 1 else 0.0
            yield (*place, "difference"), mean(gaps)
            yield (*place, "standard_error"), error


def selection_words(data: RecountData, ticker: str) -> list[float]:
    """Return what the reason for a stock's model may say: roots and ratios of losses.

    Parameters
    ----------
    data : RecountData
    ticker : str
    """
    losses = plain_losses(data, ticker)
    shared = paired_losses(losses)
    means = {
        model: mean([each[model] for each in shared]) for model in losses if shared
    }
    roots = [math.sqrt(value) for value in means.values()]
    if len(means) < 2 or min(means.values()) == 0:
        return roots
    least = min(means.values())
    gaps = [abs(a - b) for a in means.values() for b in means.values() if a != b]
    one, other = means
    apart = [each[one] - each[other] for each in shared]
    spread = mean([(gap - mean(apart)) ** 2 for gap in apart])
    error = math.sqrt(spread / (len(shared) - 1)) if len(shared) > 1 else 0.0
    return [*roots, *(gap / least for gap in gaps), error / least]


def compare_choices(data: RecountData, folder: Path) -> Iterator[tuple[str, str]]:
    """Compare each stock's champion, chosen on the walk-forward years alone.

    Parameters
    ----------
    data : RecountData
    folder : Path
        ``Paths.evaluation``.

    Yields
    ------
    tuple of str and str
        Stock and difference.
    """
    for row in _read(folder / "selection.json"):
        losses = plain_losses(data, row["ticker"])
        champion = choose_champion(losses) if losses else NAIVE
        if champion != row["champion"]:
            yield row["ticker"], f"champion {row['champion']}, reference {champion}"


def plain_losses(data: RecountData, ticker: str) -> dict[str, dict[Any, float]]:
    """Return the squared errors by origin of each model that may be chosen.

    Parameters
    ----------
    data : RecountData
    ticker : str
        A model with a forecast that is missing is not among them.
    """
    found = {}
    for model in (NAIVE, served_model(data.study)):
        aims = data.aims.get((model, ticker), [])
        if aims and not any(math.isnan(aim.y_hat) for aim in aims):
            known = [aim for aim in aims if not math.isnan(aim.y)]
            found[model] = {aim.origin: (aim.y - aim.y_hat) ** 2 for aim in known}
    return found


@dataclass(frozen=True)
class Year:
    """One model's test year under one rule, as the report card needs it."""

    data: RecountData
    model: str
    rule: str

    def accounts(self) -> dict[str, Account]:
        """Return the accounts by stock at the headline cost."""
        cost = self.data.backtest.headline_cost_bps
        return self.data.by_strategy[self.data.test_year, self.model, self.rule, cost]

    def pool(self) -> Account:
        """Return the account of all stocks."""
        cost = self.data.backtest.headline_cost_bps
        return self.data.pools[self.data.test_year, self.model, self.rule, cost]

    def net(self) -> float:
        """Return the year's net return."""
        return grown([booking.net for booking in self.pool()])

    def above_one(self, name: str, fewest: int) -> list[float]:
        """Return how many stocks' ratios are above 1, and of how many; empty if none.

        Parameters
        ----------
        name : str
            "sharpe_ratio" or "sharpe_over_cash".
        fewest : int
            Sessions held, below which a stock has no ratio.
        """
        ratios = [
            money(own, self.data.backtest.sessions_per_year)[name][0]
            if wins([own])["win_rate"][1] >= fewest
            else math.nan
            for own in self.accounts().values()
        ]
        if all(map(math.isnan, ratios)):
            return []
        return [float(sum(value > 1 for value in ratios)), float(len(ratios))]

    def won(self, name: str) -> float:
        """Return a share of winning sessions, per cent."""
        return 100 * wins(list(self.accounts().values()))[name][0]

    def scored(self, name: str) -> float:
        """Return a pooled measure of accuracy; NaN for a benchmark."""
        rows = [
            data_rows
            for (_, fold, model), data_rows in self.data.scored.items()
            if fold == self.data.test_year and model == self.model and data_rows
        ]
        if not rows:
            return math.nan
        if name == "r_squared":
            values = [accuracy(each)[name][0] for each in rows]
            return quantile([v for v in values if not math.isnan(v)], 0.5)
        return accuracy([row for each in rows for row in each])[name][0]


def recount_card(data: RecountData, folder: Path) -> Expected:
    """Yield the report card's figures in their order, and its marks.

    Parameters
    ----------
    data : RecountData
    folder : Path
        ``Paths.evaluation``, whose table names the targets.
    """
    rule = data.study.verdict.rule
    own = Year(data, data.study.verdict.model, rule)
    columns = {
        "found": own,
        "v1": Year(data, "v1", rule),
        "persistence": Year(data, NAIVE, rule),
        "buy_and_hold": Year(data, HOLD, "hold"),
    }
    with (folder / "report_card.csv").open(encoding="utf-8") as lines:
        targets = [row["target"] for row in csv.DictReader(lines)]
    for target in targets:
        place = ("report_card.csv", target)
        for column, year in columns.items():
            for order, value in enumerate(_card_values(target, year)):
                if not math.isnan(value):
                    yield (*place, column, order), value
        met = _is_met(target, own)
        if met is not None:
            yield (*place, "met"), float(met)


def _card_values(target: str, year: Year) -> list[float]:
    """Return the numbers that the card shows of one model for one target."""
    match _topic(target):
        case "Sharpe":
            return year.above_one("sharpe_over_cash", FEWEST_HELD)
        case "Win rate":
            return [year.won("win_rate")]
        case "R²":
            return [year.scored("r_squared")]
        case "negative":
            return [year.scored("negative_predictions")]
        case "persistence":
            return [year.scored("skill")]
        case "cash" | "buy and hold":
            return [100 * year.net()]
    return []


def _is_met(target: str, own: Year) -> bool | None:
    """Say whether the declared strategy met a target; None where it has no figure."""
    values = _card_values(target, own)
    if not values or math.isnan(values[0]):
        return None
    match _topic(target):
        case "Sharpe":
            return values[0] / values[1] > 0.5
        case "Win rate":
            return values[0] > 50
        case "R²":
            return values[0] > 0.5
        case "negative":
            return values[0] == 0
        case "cash":
            return own.net() > _cash(own) + 1e-9
        case "buy and hold":
            return own.net() > max(_benchmarks(own.data))
    return values[0] > 0


def _topic(target: str) -> str:
    topics = ("Sharpe", "Win rate", "R²", "negative", "persistence", "cash")
    return next((topic for topic in topics if topic in target), "buy and hold")


def _cash(year: Year) -> float:
    return grown([booking.cash for booking in year.pool()])


def _benchmarks(data: RecountData) -> list[float]:
    """Return the test year's net return of holding and of equal weight."""
    cost, year = data.backtest.headline_cost_bps, data.test_year
    keys = ((year, HOLD, "hold", cost), (year, EQUAL, "rebalance", cost))
    return [grown([booking.net for booking in data.pools[key]]) for key in keys]


def card_words(data: RecountData) -> Iterator[float]:
    """Yield the numbers that the card's comments may say.

    Parameters
    ----------
    data : RecountData
    """
    own = Year(data, data.study.verdict.model, data.study.verdict.rule)
    yield from (0.0, 1.0, FEWEST_HELD, data.backtest.headline_cost_bps)
    yield from own.above_one("sharpe_ratio", 0)
    yield own.won("win_rate_all") / 100
    yield Year(data, NAIVE, own.rule).scored("r_squared")
    yield _cash(own)
    yield from _benchmarks(data)
    yield mean([booking.position for booking in own.pool()])
    yield from basis_words(data, [data.test_year])


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
