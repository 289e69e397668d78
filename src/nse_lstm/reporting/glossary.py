"""The words that pages use without explaining them, each with its own place to link."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nse_lstm.reporting.banner import Banner
from nse_lstm.reporting.pages import environment, wrap_page


@dataclass(frozen=True)
class Term:
    """One word of the glossary."""

    place: str
    """What a link to it ends in."""
    name: str
    meaning: str


TERMS = (
    Term(
        "ab-test",
        "A/B test",
        "A challenger and the champion forecast the same sessions; evidence that may "
        "be looked at every day decides between them.",
    ),
    Term(
        "audit",
        "audit for leaks",
        "Rewrites the future in the raw files, trains again and looks whether anything "
        "before it moved; counts every figure a second time; lets coins decide.",
    ),
    Term(
        "basis-point",
        "basis point",
        "A hundredth of a per cent. Costs are stated a side: to buy and to sell again "
        "costs twice that.",
    ),
    Term(
        "buy-and-hold",
        "buy and hold",
        "Equal capital in every recommended stock, evened out each session for "
        "nothing. Nobody could have had exactly that.",
    ),
    Term(
        "cash",
        "cash",
        "Money not invested earns a stated bill rate. A strategy is worth something "
        "only above it.",
    ),
    Term(
        "champion",
        "champion, challenger",
        "The model whose forecast of a stock is used, and the one that forecasts "
        "beside it to be compared.",
    ),
    Term(
        "look",
        "confirmatory, replication, exploratory",
        "What the test year is worth: looked at once with everything frozen; its "
        "results known beforehand; or looked at before.",
    ),
    Term(
        "gate",
        "cost gate",
        "The rule that buys only when the forecast gain is above twice the cost of a "
        "side, and sells when it is below zero.",
    ),
    Term(
        "deflated-sharpe",
        "deflated Sharpe ratio",
        "The probability that a Sharpe ratio is above what the best of all strategies "
        "ever tried here would show by luck; 0.95 is needed.",
    ),
    Term(
        "drawdown",
        "drawdown",
        "The fall of an account from its highest value so far.",
    ),
    Term(
        "excess",
        "excess",
        "The net return of the strategy less that of what it is compared with, a year.",
    ),
    Term(
        "exposure",
        "exposure",
        "The share of the capital that is invested. A holding of the same exposure "
        "keeps just that share in the same stocks all the time.",
    ),
    Term(
        "interval",
        "interval, 95 %",
        "The range that would hold the true value in 95 of 100 such studies; by "
        "drawing blocks of sessions again and again, since neighbours are alike.",
    ),
    Term(
        "persistence",
        "persistence",
        "The forecast that tomorrow's price is today's. It is right to about one per "
        "cent, never trades, and is the opponent of every model here.",
    ),
    Term(
        "printed-price",
        "printed price",
        "The average of a session's deals. It is known only when the session is over, "
        "so a signal of one session is dealt in the next.",
    ),
    Term(
        "rank-ic",
        "rank IC",
        "The correlation, session by session, of the order in which shares were "
        "forecast and the order in which they came in.",
    ),
    Term(
        "rank-lstm",
        "rank LSTM",
        "One network of all shares that forecasts who will do better than whom.",
    ),
    Term(
        "r-squared",
        "R² on price levels",
        "The share of the variation of prices that forecasts explain. It is near one "
        "for persistence, so it says nothing of skill.",
    ),
    Term(
        "session",
        "session",
        "A trading day of the exchange.",
    ),
    Term(
        "sharpe",
        "Sharpe ratio",
        "Mean over standard deviation of the return above cash, a year. One year's has "
        "a standard error of about one.",
    ),
    Term(
        "skill",
        "skill",
        "One less the squared error of the forecast return over that of no change: "
        "above zero is better than persistence.",
    ),
    Term(
        "smallest-sharpe",
        "smallest Sharpe ratio that could have been seen",
        "The least that a span of this length can tell from zero. Below it, nothing "
        "found is no proof that nothing is there.",
    ),
    Term(
        "stale",
        "stale session",
        "A session whose board repeats the one before. It gives no signal and no deal.",
    ),
    Term(
        "test-year",
        "test year",
        "The last year of the data. Nothing is chosen by it; it is read once.",
    ),
    Term(
        "turnover",
        "turnover",
        "Of an account, how many times a year its capital is bought and sold; of a "
        "share, the shillings dealt in it.",
    ),
    Term(
        "v1",
        "v1",
        "A charitable rebuild of the project's first network: one for all stocks, "
        "without regularisation. Its figures are not those once published.",
    ),
    Term(
        "v2",
        "v2",
        "One network a stock, regularised, stopped by a validation span.",
    ),
    Term(
        "walk-forward",
        "walk-forward year",
        "A year forecast by models that were trained on the years before it only. The "
        "verdict rests on these.",
    ),
)
"""In the order of their names."""


def render_glossary(metadata: Mapping[str, Any], *, banner: Banner) -> str:
    """Return the glossary's page, the study's verdict first as on every page."""
    body = environment().get_template("glossary.html.j2").render(terms=TERMS)
    return wrap_page(body, name="glossary", metadata=metadata, banner=banner)
