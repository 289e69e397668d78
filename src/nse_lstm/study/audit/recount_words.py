"""The numbers that published sentences may say, from plain code and the settings."""

import json
from math import comb
from pathlib import Path

from nse_lstm.study.audit.recount_basis import (
    basis_words,
    cash_words,
    plain_basis,
    plain_tax,
)
from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.recount_evidence import LAGS, POWER, PlainTests
from nse_lstm.study.audit.recount_ledger import PlainLedger
from nse_lstm.study.audit.recount_scores import Place
from nse_lstm.study.audit.recount_verdict import card_words, selection_words
from nse_lstm.study.audit.reference.statistics import Span
from nse_lstm.study.audit.reference.tests import BLOCKS

Value = float | Span
PAPERS = (2014,)
"""Years of papers that a method names."""


def recount_words(
    data: RecountData,
    ledger: PlainLedger,
    folder: Path,
    expected: dict[Place, Value],
) -> dict[Place, list[Value]]:
    """Return the numbers that each text of Phase 4's files may say, by its place.

    A sentence may say its own row's numbers, those of its document, and the settings
    that it names. Fractions may be said per cent.

    Parameters
    ----------
    data : RecountData
    ledger : PlainLedger
    folder : Path
        ``Paths.evaluation``.
    expected : dict
        Recounted numbers by place.
    """
    by_row: dict[Place, list[Value]] = {}
    for place, value in expected.items():
        by_row.setdefault(place[:-1], []).append(value)
    words = _verdict_words(data, ledger, folder, expected)
    comments: list[Value] = list(card_words(data))
    selection = json.loads((folder / "selection.json").read_text(encoding="utf-8"))
    for row, values in by_row.items():
        if row[0] == "evidence.parquet":
            words[*row, "says"] = [*values, *_said(data, ledger, values)]
            words[*row, "method"] = _method_words(data)
        if row[0] == "selection.json":
            ticker = selection[int(row[1])]["ticker"]
            words[*row, "reason"] = [*values, *selection_words(data, ticker)]
        if row[0] == "report_card.csv":
            words[*row[:2], "comment"] = comments
    return words


def _said(data: RecountData, ledger: PlainLedger, values: list[Value]) -> list[Value]:
    """Return what a test's sentence may say beside its own numbers."""
    per_year = data.backtest.sessions_per_year
    return [
        *(0.5, POWER, LAGS),
        len(ledger.other_ratios) + 1,
        len(ledger.matrix),
        # A trial may have traded in other years alone, and does not vary here.
        sum(max(trial) > min(trial) for trial in ledger.matrix),
        len(ledger.judged) / per_year,
        PlainTests(data).expected_best(ledger),
        *_splits(len(ledger.judged)),
    ]


def _splits(n: int) -> list[Value]:
    """Return the number of splits of the symmetric cross-validation."""
    blocks = min(BLOCKS, n // 4 * 2)
    return [comb(blocks, blocks // 2)]


def _method_words(data: RecountData) -> list[Value]:
    verdict = data.study.verdict
    stocks = {len(names) for names in data.stocks.values()}
    tickers = {ticker for names in data.stocks.values() for ticker in names}
    return [
        *(0.0, 1.0, LAGS, BLOCKS, *PAPERS, *stocks, len(tickers)),
        verdict.bootstrap_block,
        verdict.bootstrap_reps,
        verdict.confidence,
    ]


def _verdict_words(
    data: RecountData, ledger: PlainLedger, folder: Path, expected: dict[Place, Value]
) -> dict[Place, list[Value]]:
    """Return what the sentences of ``verdict.json`` may say."""
    document = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    study, backtest = data.study, data.backtest
    known = [value for place, value in expected.items() if place[0] == "verdict.json"]
    exposure = expected["verdict.json", "verdict", "exposure"]
    missed = plain_basis(data, data.before_test).missed
    tax = plain_tax(data, data.before_test)
    settings = [
        *(0.0, 1.0, backtest.headline_cost_bps, backtest.gate_multiple),
        *(backtest.cash_rate, *cash_words(data, data.before_test)),
        *basis_words(data, data.before_test),
        *([exposure * missed, exposure * tax] if isinstance(exposure, float) else []),
        *(study.verdict.confidence, study.verdict.min_deflated_sharpe),
        *data.before_test,
        len(data.before_test),
        len(ledger.trials),
        len(data.stocks[data.test_year]),
    ]
    names = ("reasons", "evidence", "cautions")
    texts: list[Place] = [
        ("verdict.json", "basis"),
        ("verdict.json", "verdict", "sentence"),
    ]
    for name in names:
        within = document["verdict"] if name == "reasons" else document
        parent = ("verdict.json", "verdict") if name == "reasons" else ("verdict.json",)
        texts += [(*parent, name, at) for at in range(len(within[name]))]
    return {place: [*known, *settings] for place in texts}
