"""Recount every test of ``evidence.parquet`` on the walk-forward years."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from nse_lstm.study.audit.recount_data import ALL, RecountData
from nse_lstm.study.audit.recount_ledger import PlainLedger
from nse_lstm.study.audit.recount_scores import Expected
from nse_lstm.study.audit.reference.measures import RealisedForecast, sign
from nse_lstm.study.audit.reference.statistics import (
    NORMAL,
    Span,
    best_of,
    deflated_ratio,
    draw_resamples,
    mean,
    quantile,
    ratio,
    ratio_error,
    resampled_means,
    spread_of_trials,
)
from nse_lstm.study.audit.reference.tests import (
    Superior,
    confidence_set,
    diebold_mariano,
    holm,
    lo_factor,
    overfitting,
    positive_mean,
    superior_ability,
    track_record,
)

NAIVE, CASH, LAGS, POWER = "persistence", "cash", 5, 0.8
OPEN_SPLITS = 1
"""Splits of the cross-validation that a tie of two trials may leave open."""
Row = RealisedForecast
Numbers = Mapping[str, float | Span]
Found = tuple[str, str, str, str, Numbers]
"""Test, model, opponent, stock, and the numbers of the row."""


def recount_evidence(data: RecountData, ledger: PlainLedger) -> Expected:
    """Yield the numbers of every test.

    Parameters
    ----------
    data : RecountData
    ledger : PlainLedger
        Trials of the market.
    """
    tests = PlainTests(data)
    found = [*tests.of_forecasts(), *tests.together(), *tests.of_strategy(ledger)]
    for *key, numbers in found:
        for name, value in numbers.items():
            yield ("evidence.parquet", *key, name), value


class PlainTests:
    """The tests of one study's walk-forward forecasts and of its declared strategy."""

    def __init__(self, data: RecountData) -> None:
        """Keep the data and the settings of the bootstrap."""
        self.data, self.verdict = data, data.study.verdict
        self._drawn: dict[int, list[list[int]]] = {}

    @cached_property
    def rows(self) -> dict[str, list[tuple[str, Row]]]:
        """Each model's stock and scored forecast, in order of stock and target."""
        found: dict[str, list[tuple[str, Row]]] = defaultdict(list)
        for (ticker, fold, model), rows in sorted(self.data.scored.items()):
            if fold in self.data.before_test and rows:
                found[model] += [(ticker, row) for row in rows]
        return dict(found)

    def forecasters(self) -> Iterator[tuple[str, list[tuple[str, Row]]]]:
        """Give each model with a forecast other than 0, and its usable rows."""
        for model, rows in self.rows.items():
            usable = [(t, r) for t, r in rows if not math.isnan(r.y_hat)]
            if model != NAIVE and any(row.y_hat for _, row in usable):
                yield model, usable

    def of_forecasts(self) -> Iterator[Found]:
        """Give the tests of each model against persistence, and of its artefact."""
        for model, usable in self.forecasters():
            gains = _by_date(
                (r.target, (r.y - r.y_hat) ** 2 - r.y**2) for _, r in usable
            )
            tested = diebold_mariano(gains)
            yield "Diebold-Mariano", model, NAIVE, ALL, _numbers(tested, len(gains))
            nested = _by_date(
                (r.target, r.y**2 - (r.y - r.y_hat) ** 2 + r.y_hat**2)
                for _, r in usable
            )
            tested = positive_mean(nested)
            yield "Clark-West", model, NAIVE, ALL, _numbers(tested, len(nested))
            yield "direction", model, NAIVE, ALL, self._direction(usable)
            yield from self._stock_by_stock(model, usable)
            for against, benchmark in (
                (NAIVE, [0.0] * len(usable)),
                ("historical mean", [self._past_mean(t, r) for t, r in usable]),
            ):
                pairs = [
                    (r.target, (r.y - r.y_hat) ** 2, (r.y - b) ** 2)
                    for (_, r), b in zip(usable, benchmark, strict=True)
                    if not math.isnan(b)
                ]
                yield "out-of-sample R²", model, against, ALL, self._share(pairs)
            yield from self._later(model, usable)

    def together(self) -> Iterator[Found]:
        """Give the tests of all models together."""
        cases: dict[tuple[str, date], dict[str, Row]] = defaultdict(dict)
        for model, rows in self.rows.items():
            for ticker, row in rows:
                if not math.isnan(row.y_hat):
                    cases[ticker, row.target][model] = row
        models = [model for model in sorted(self.rows) if model != NAIVE]
        shared = [
            (day, each)
            for (_, day), each in sorted(cases.items(), key=lambda case: case[0][1])
            if all(model in each for model in models)
        ]
        losses = {
            m: _by_date((day, (each[m].y - each[m].y_hat) ** 2) for day, each in shared)
            for m in models
        }
        losses[NAIVE] = _by_date(
            (day, next(iter(each.values())).y ** 2) for day, each in shared
        )
        gains = [
            [b - a for a, b in zip(losses[m], losses[NAIVE], strict=True)]
            for m in models
        ]
        if not any(any(row) for row in gains):
            return
        n = len(gains[0])
        p_values = confidence_set(list(losses.values()), self.resamples(n))
        for model, p_value in zip(losses, p_values, strict=True):
            numbers: Numbers = {"p_value": p_value, "n": n}
            yield "model confidence set", model, "all", ALL, numbers
        found = self._superior(gains)
        yield "superior predictive ability", "all", NAIVE, ALL, _bounded(found, n)
        steps: Numbers = {"statistic": float(found.better), "n": n}
        yield "stepwise superior", "all", NAIVE, ALL, steps

    def of_strategy(self, ledger: PlainLedger) -> Iterator[Found]:
        """Give the tests of the declared strategy's return over cash."""
        per_year = self.data.backtest.sessions_per_year
        model, excess = self.verdict.model, ledger.judged
        n, z = len(excess), NORMAL.inv_cdf(0.5 + self.verdict.confidence / 2)
        root, years = math.sqrt(per_year), n / per_year
        least = z / math.sqrt(years)
        likely = (z + NORMAL.inv_cdf(POWER)) / math.sqrt(years)
        yield (
            *("smallest detectable Sharpe", model, CASH, ALL),
            {"statistic": least, "upper": likely, "n": n},
        )
        found = ratio(excess)
        if not math.isnan(found):
            error = ratio_error(excess)
            bounds = {
                "lower": (found - z * error) * root,
                "upper": (found + z * error) * root,
            }
            alone = NORMAL.cdf(found / error)
            factor = lo_factor(excess, lags=LAGS, per_year=per_year)
            record = track_record(excess, self.verdict.confidence) / per_year
            deflated = deflated_ratio(excess, ledger.other_ratios)
            trials = len(ledger.other_ratios) + 1
            length = (
                (best_of(trials, 1.0) / (found * root)) ** 2 if found > 0 else math.inf
            )
            for test, numbers in {
                "Sharpe ratio": {"statistic": found * root, **bounds},
                "Sharpe ratio, autocorrelation allowed for": {
                    "statistic": found * factor
                },
                "probabilistic Sharpe ratio": {
                    "statistic": alone,
                    "p_value": 1 - alone,
                },
                "minimum track record": {"statistic": record},
                "deflated Sharpe ratio": {
                    "statistic": deflated,
                    "p_value": 1 - deflated,
                },
                "minimum backtest length": {"statistic": length},
            }.items():
                yield test, model, CASH, ALL, {**numbers, "n": n}
        returns = [t for t in ledger.matrix if max(t) - min(t) > 0]
        if len(returns) >= 2 and n >= 4:
            tested = self._superior(returns)
            test = "superior predictive ability of strategies"
            yield test, "all", CASH, ALL, _bounded(tested, n)
            probability, n_splits = overfitting(returns)
            # Rounding decides whether two trials tie in a split.
            left_open = OPEN_SPLITS / n_splits
            share = Span(probability - left_open, probability + left_open)
            yield (
                *("probability of backtest overfitting", "all", "all", ALL),
                {"statistic": share, "n": n},
            )

    def expected_best(self, ledger: PlainLedger) -> float:
        """Return the yearly ratio expected of the best of all trials without skill."""
        spread = spread_of_trials(ledger.other_ratios, len(ledger.judged))
        best = best_of(len(ledger.other_ratios) + 1, spread)
        return best * math.sqrt(self.data.backtest.sessions_per_year)

    def resamples(self, n: int) -> list[list[int]]:
        """Draw the resamples of n sessions once."""
        if n not in self._drawn:
            self._drawn[n] = draw_resamples(
                n,
                block=self.verdict.bootstrap_block,
                repetitions=self.verdict.bootstrap_reps,
                seed=self.data.study.seed,
            )
        return self._drawn[n]

    @property
    def tails(self) -> tuple[float, float]:
        """Shares below the lower and the upper bound."""
        tail = (1 - self.verdict.confidence) / 2
        return tail, 1 - tail

    def _superior(self, gains: Sequence[Sequence[float]]) -> Superior:
        return superior_ability(
            gains,
            self.resamples(len(gains[0])),
            block=self.verdict.bootstrap_block,
            size=1 - self.verdict.confidence,
        )

    def _direction(self, usable: list[tuple[str, Row]]) -> Numbers:
        up = mean([sign(row.y) for _, row in usable])
        said = mean([sign(row.y_hat) for _, row in usable])
        together = _by_date(
            (r.target, (sign(r.y) - up) * (sign(r.y_hat) - said)) for _, r in usable
        )
        return _numbers(positive_mean(together), len(together))

    def _stock_by_stock(
        self, model: str, usable: list[tuple[str, Row]]
    ) -> Iterator[Found]:
        own: dict[str, list[float]] = defaultdict(list)
        for ticker, r in usable:
            own[ticker].append((r.y - r.y_hat) ** 2 - r.y**2)
        tested = {t: diebold_mariano(d) for t, d in own.items() if len(d) > 1}
        adjusted = holm({ticker: each.p_value for ticker, each in tested.items()})
        for ticker, each in tested.items():
            numbers = {
                "statistic": each.statistic,
                "p_value": adjusted[ticker],
                "n": len(own[ticker]),
            }
            yield "Diebold-Mariano, Holm", model, NAIVE, ticker, numbers

    def _past_mean(self, ticker: str, row: Row) -> float:
        moves = self.data.moves[ticker]
        if row.target not in moves:
            return math.nan
        return mean([move for day, move in moves.items() if day < row.target])

    def _share(self, pairs: list[tuple[date, float, float]]) -> Numbers:
        """Return 1 less the sum of squared errors over the benchmark's, with bounds."""
        days = sorted({day for day, _, _ in pairs})
        own, other = dict.fromkeys(days, 0.0), dict.fromkeys(days, 0.0)
        for day, mine, theirs in pairs:
            own[day] += mine
            other[day] += theirs
        numbers: dict[str, float] = {"n": len(days)}
        if any(other.values()):
            numbers["statistic"] = 1 - sum(own.values()) / sum(other.values())
            drawn = self.resamples(len(days))
            means = [resampled_means(list(s.values()), drawn) for s in (own, other)]
            shares = [1 - a / b for a, b in zip(*means, strict=True) if b > 0]
            numbers["lower"], numbers["upper"] = (
                quantile(shares, tail) for tail in self.tails
            )
        return numbers

    def _later(self, model: str, usable: list[tuple[str, Row]]) -> Iterator[Found]:
        """Give the tests of what is left of the accuracy one session later."""
        later = {
            (ticker, row.origin): row
            for (ticker, fold, name), rows in self.data.scored_later.items()
            if name == model and fold in self.data.before_test
            for row in rows
        }
        both = [(r, later[t, r.origin]) for t, r in usable if (t, r.origin) in later]
        pairs = [(r.target, (b.y - r.y_hat) ** 2, b.y**2) for r, b in both]
        test = "out-of-sample R², a session later"
        yield test, model, NAIVE, ALL, self._share(pairs)
        now = _by_date((r.target, r.y_hat * r.y) for r, _ in both)
        then = _by_date((r.target, r.y_hat * b.y) for r, b in both)
        drawn = self.resamples(len(now))
        means = [resampled_means(values, drawn) for values in (now, then)]
        numbers: dict[str, float] = {"n": len(now)}
        if quantile(means[0], self.tails[0]) > 0:
            gone = [1 - b / a for a, b in zip(*means, strict=True) if a > 0]
            numbers["statistic"] = 1 - mean(then) / mean(now)
            numbers["lower"], numbers["upper"] = (
                quantile(gone, tail) for tail in self.tails
            )
        yield "artefact of averaged prices", model, "a session later", ALL, numbers


def _by_date(pairs: Iterator[tuple[date, float]]) -> list[float]:
    """Return the mean over stocks of each date, in order of dates."""
    days: dict[date, list[float]] = defaultdict(list)
    for day, value in pairs:
        days[day].append(value)
    return [mean(values) for _, values in sorted(days.items())]


def _numbers(tested: tuple[float, float], n: int) -> Numbers:
    return {"statistic": tested[0], "p_value": tested[1], "n": n}


def _bounded(tested: Superior, n: int) -> Numbers:
    ends = {"p_value": tested.consistent, "lower": tested.lower, "upper": tested.upper}
    return {**ends, "n": n}
