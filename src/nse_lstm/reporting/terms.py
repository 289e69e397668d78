"""The terms of the glossary, and links to them from a page's text."""

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Term:
    """One word of the glossary."""

    anchor: str
    """The anchor of its links."""
    name: str
    meaning: str


TERMS = (
    Term(
        "ab-test",
        "A/B test",
        "A challenger and the champion forecast the same sessions. A test whose "
        "evidence may be read every day decides between them.",
    ),
    Term(
        "ar",
        "AR(1), AR(5)",
        "Linear regressions of the next return on the last return, or on the last "
        "five.",
    ),
    Term(
        "audit",
        "audit for leaks",
        "A check that no future data enters a forecast. It changes the future in the "
        "raw files, trains again and compares every earlier value. It computes every "
        "number a second time and tests the verdict with random signals.",
    ),
    Term(
        "backtest",
        "backtest",
        "A simulation of orders, fills and costs on past prices.",
    ),
    Term(
        "basis-point",
        "basis point (bps)",
        "A hundredth of a per cent. Costs are stated per side: to buy and to sell "
        "again costs twice that.",
    ),
    Term(
        "buy-and-hold",
        "buy and hold",
        "Equal capital in every recommended stock, rebalanced each session at no cost. "
        "A real account cannot do exactly that.",
    ),
    Term(
        "cash",
        "cash",
        "Money that is not invested earns the 91-day bill of the month before, or a "
        "stated constant. A strategy is worth something only above it.",
    ),
    Term(
        "champion",
        "champion, challenger",
        "The model in use for a stock, and the model that runs for comparison only.",
    ),
    Term(
        "evaluation",
        "confirmatory, replication, exploratory",
        "The value of a test-year evaluation. Confirmatory: evaluated once, after all "
        "choices were fixed. Replication: results for this year were known before. "
        "Exploratory: another study or other data had been evaluated on this year "
        "before.",
    ),
    Term(
        "conformal",
        "conformal interval",
        "A range around a forecast, from the forecast's own past errors, that should "
        "hold nine outcomes in ten.",
    ),
    Term(
        "gate",
        "cost gate",
        "The rule that buys only when the forecast gain exceeds twice the cost per "
        "side, and sells when the forecast is below zero.",
    ),
    Term(
        "crps",
        "CRPS",
        "Continuous ranked probability score: the mean distance of a whole forecast "
        "distribution from the outcome, in the unit of the forecast. Lower is better. "
        "For a forecast of one number it is the absolute error.",
    ),
    Term(
        "deflated-sharpe",
        "deflated Sharpe ratio",
        "The probability that a Sharpe ratio exceeds the best one that chance alone "
        "would give among all strategies tried here. A yes needs 0.95.",
    ),
    Term(
        "drawdown",
        "drawdown",
        "The fall of an account from its highest value so far.",
    ),
    Term(
        "ensemble",
        "ensemble",
        "The weighted mean of the ranks that the ridge regression, the boosted trees "
        "and the rank LSTM give each stock.",
    ),
    Term(
        "equal-weight",
        "equal weight",
        "One account with the same capital in every stock, rebalanced monthly, that "
        "pays for its trades.",
    ),
    Term(
        "excess",
        "excess return",
        "The yearly net return of the strategy less that of its benchmark.",
    ),
    Term(
        "exposure",
        "exposure",
        "The fraction of the capital that is invested. The benchmark of the same "
        "exposure holds the same stocks with that fraction all the time.",
    ),
    Term(
        "fill",
        "fill",
        "An executed order. An order here is filled one session after its signal, or "
        "it lapses.",
    ),
    Term(
        "interval",
        "interval, 95 %",
        "The range that would hold the true value in 95 of 100 such studies. Blocks of "
        "sessions are drawn again and again, because neighbouring sessions are "
        "correlated.",
    ),
    Term(
        "mase",
        "MASE",
        "Mean absolute error over that of persistence in the training data. Below "
        "persistence's own value is better than no change.",
    ),
    Term(
        "persistence",
        "persistence",
        "The forecast that tomorrow's price is today's. Its mean error is about one "
        "per cent. It never trades and is the benchmark of every model here.",
    ),
    Term(
        "printed-price",
        "printed price",
        "The average of a session's trades. It is known after the close, so a signal "
        "of one session is filled in the next.",
    ),
    Term(
        "quantile",
        "quantile",
        "The value that a given fraction of outcomes should fall below: one in twenty "
        "below the 5 % quantile.",
    ),
    Term(
        "rank-ic",
        "rank IC",
        "The correlation, session by session, between the forecast and the realised "
        "order of the stocks' returns.",
    ),
    Term(
        "rank-lstm",
        "rank LSTM",
        "One network for all stocks that forecasts which stocks will do better than "
        "the others.",
    ),
    Term(
        "r-squared",
        "R² on price levels",
        "The fraction of the variance of prices that forecasts explain. It is near one "
        "for persistence, so it does not show skill.",
    ),
    Term(
        "session",
        "session",
        "A trading day of the exchange.",
    ),
    Term(
        "sharpe",
        "Sharpe ratio",
        "Mean over standard deviation of the return above cash, per year. The ratio of "
        "a single year has a standard error of about one.",
    ),
    Term(
        "skill",
        "skill",
        "One less the squared error of the forecast return over that of no change. "
        "Above zero is better than persistence.",
    ),
    Term(
        "smallest-sharpe",
        "smallest detectable Sharpe ratio",
        "The smallest Sharpe ratio that a span of this length can show as "
        "significantly different from zero. Below it there is too little data.",
    ),
    Term(
        "stale",
        "stale session",
        "A session whose prices all repeat the session before. It gives no signal and "
        "no trade.",
    ),
    Term(
        "stock-lstm",
        "stock LSTM",
        "One LSTM per stock, trained first on all liquid stocks and then on its own. "
        "It starts at persistence and forecasts the next return in units of the "
        "stock's volatility.",
    ),
    Term(
        "test-year",
        "test year",
        "The last year of the data. Nothing is chosen by it, and it is evaluated once.",
    ),
    Term(
        "total-return",
        "total return, price return",
        "A return with dividends, and one without. Strategies and benchmarks are "
        "compared in total return where nearly all of their dividends are sourced, "
        "else in price return.",
    ),
    Term(
        "turnover",
        "turnover",
        "Of an account: how many times per year its capital is bought and sold. Of a "
        "stock: the value traded, in KES.",
    ),
    Term(
        "v1",
        "v1",
        "A charitable rebuild of the project's first network: one for all stocks, "
        "without regularisation. Its numbers are not those once published.",
    ),
    Term(
        "v2",
        "v2",
        "One network per stock, regularised and stopped by a validation span.",
    ),
    Term(
        "value-at-risk",
        "value at risk",
        "The loss that a session should exceed with a stated small probability: the "
        "low quantile of its return. At 95 % one session in twenty should be worse.",
    ),
    Term(
        "walk-forward",
        "walk-forward year",
        "A year forecast by models that were trained only on the years before it. The "
        "verdict rests on these years.",
    ),
)
"""In the order of their names."""

UNLINKED = {"fill"}
"""Terms whose word is mostly used in another sense."""
TAG = re.compile(r"(<pre.*?</pre>|<code.*?</code>|<svg.*?</svg>|<[^>]*>)", re.DOTALL)
OPENED = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
PROSE = {"p", "li"}
KEPT = {"a", "h1", "h2", "h3", "h4", "table", "nav", "summary", "style", "figure"}
"""Elements whose text is left as it is."""


def link_terms(body: str, *, glossary: str) -> str:
    """Link the first use of every glossary term in a page's paragraphs and lists.

    Parameters
    ----------
    body : str
        HTML, already safe.
    glossary : str
        Address of the glossary's page.

    Examples
    --------
    >>> link_terms("<p>A backtest. A backtest.</p>", glossary="g.html")
    '<p>A <a class="term" href="g.html#backtest">backtest</a>. A backtest.</p>'
    """
    depth = dict.fromkeys(PROSE | KEPT, 0)
    seen: set[str] = set()
    pieces = TAG.split(body)
    for place, piece in enumerate(pieces):
        if place % 2:
            if (tag := OPENED.match(piece)) and tag[2].lower() in depth:
                depth[tag[2].lower()] += -1 if tag[1] else 1
            continue
        if any(depth[name] for name in PROSE) and not any(depth[name] for name in KEPT):
            pieces[place] = _linked(piece, glossary, seen)
    return "".join(pieces)


def _linked(text: str, glossary: str, seen: set[str]) -> str:
    """Link the terms of a text that were not linked before, and note them."""
    pattern, anchors = _spellings()

    def link(found: re.Match[str]) -> str:
        anchor = anchors[found["word"].lower()]
        if anchor in seen:
            return found[0]
        seen.add(anchor)
        return f'<a class="term" href="{glossary}#{anchor}">{found[0]}</a>'

    return pattern.sub(link, text)


@cache
def _spellings() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern of all terms, the longest first, and the anchor of each."""
    anchors = {
        word.lower(): term.anchor
        for term in TERMS
        if term.anchor not in UNLINKED
        for word in re.sub(r" \(.*?\)", "", term.name).split(", ")
        if not word[0].isdigit()
    }
    words = "|".join(map(re.escape, sorted(anchors, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])(?P<word>{words})s?(?![\w-])", re.I), anchors
