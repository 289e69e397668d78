"""Recount the random positions, the capacity and the ranges of coverage."""

import math
from collections import defaultdict

from nse_lstm.study.audit.recount_data import ALL, RULES, RecountData
from nse_lstm.study.audit.recount_scores import Expected
from nse_lstm.study.audit.reference.chance import draw_accounts
from nse_lstm.study.audit.reference.intervals import RATE, Interval, conformal, coverage
from nse_lstm.study.audit.reference.lots import book_lots
from nse_lstm.study.audit.reference.measures import grown, money, pool_accounts
from nse_lstm.study.audit.reference.statistics import mean, quantile

BAND = (0.05, 0.95)
TIE = 1e-12


def recount_money(data: RecountData) -> Expected:
    """Yield the numbers of the random positions, of capacity and of coverage.

    Parameters
    ----------
    data : RecountData
    """
    for fold, names in data.stocks.items():
        for rule in RULES:
            for cost in data.backtest.cost_bps:
                yield from _random(data, names, fold, rule, cost)
        yield from _capacity(data, names, fold)
    yield from _coverage(data)


def _random(
    data: RecountData, names: list[str], fold: int, rule: str, cost: int
) -> Expected:
    verdict = data.study.verdict
    strategy = (fold, verdict.model, rule, cost)
    drawn = [
        draw_accounts(
            data.sessions[name, fold],
            data.by_strategy[strategy][name],
            name=f"{name} {fold} {rule} {data.seed}",
            cost_bps=cost,
            draws=verdict.random_draws,
            seed=data.study.seed,
        )
        for name in names
    ]
    pools = [pool_accounts(each) for each in zip(*drawn, strict=True)]
    scores = [money(pool, data.backtest.sessions_per_year) for pool in pools]
    for metric in scores[0]:
        values = [score[metric][0] for score in scores]
        known = [value for value in values if not math.isnan(value)]
        place = ("scores.parquet", ALL, "random_positions", fold, rule, metric, cost)
        yield (*place, "value"), quantile(known, 0.5)
        yield (*place, "n"), len(known)
        yield (*place, "lower"), quantile(known, BAND[0])
        yield (*place, "upper"), quantile(known, BAND[1])
    nets = [score["net_return"][0] for score in scores]
    own = grown([booking.net for booking in data.pools[strategy]])
    beaten = mean([0.5 if abs(net - own) <= TIE else float(net < own) for net in nets])
    place = ("scores.parquet", ALL, verdict.model, fold, rule, "random_beaten", cost)
    yield (*place, "value"), beaten if max(nets) - min(nets) >= TIE else math.nan
    yield (*place, "n"), len(nets)


def _capacity(data: RecountData, names: list[str], fold: int) -> Expected:
    verdict, backtest = data.study.verdict, data.backtest
    cash = mean([each.cash for each in data.sessions[names[0], fold]])
    for capital in backtest.capacity_kes:
        accounts = [
            book_lots(
                data.sessions[name, fold],
                data.signals(name, fold, verdict.model),
                capital=capital / len(names),
                rule=verdict.rule,
                backtest=backtest,
            )
            for name in names
        ]
        together = list(zip(*accounts, strict=True))
        before, after = (
            [sum(getattr(b, name) for b in each) for each in together]
            for name in ("before", "after")
        )
        net = [end / start - 1 for start, end in zip(before, after, strict=True)]
        held = [sum(b.held_into for b in each) for each in together]
        bookings = [booking for account in accounts for booking in account]
        ordered = sum(booking.ordered for booking in bookings)
        filled = sum(booking.filled for booking in bookings)
        found = {
            "cost_bps": backtest.headline_cost_bps,
            "fill_share": filled / ordered if ordered else math.nan,
            "ordered": ordered,
            "net_return": grown(net),
            "net_excess": (mean(net) - cash) * backtest.sessions_per_year,
            "exposure": mean([h / b for h, b in zip(held, before, strict=True)]),
            "n": len(net),
        }
        for name, value in found.items():
            yield ("capacity.parquet", fold, capital, name), value


def _coverage(data: RecountData) -> Expected:
    """Yield coverage, width and score by model, stock and quarter."""
    blocks: dict[tuple[str, str, str], list[Interval]] = defaultdict(list)
    for (model, ticker), aims in data.aims.items():
        for each in conformal(aims, rate=RATE):
            if math.isnan(each.aim.y) or math.isnan(each.aim.y_hat):
                continue
            target = each.aim.target
            quarter = f"{target.year}Q{(target.month + 2) // 3}"
            blocks[model, ticker, quarter].append(each)
    for key, intervals in blocks.items():
        found = coverage(intervals, data.study.verdict.confidence)
        for name, value in found.items():
            yield ("coverage.parquet", *key, name), value
