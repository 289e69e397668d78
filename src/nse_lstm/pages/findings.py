"""What each phase shows, in three sentences with the numbers it found."""

import html

import pandas as pd

from nse_lstm.evaluation.strategies import EQUAL_WEIGHT
from nse_lstm.pages.replay_tables import replay_findings
from nse_lstm.pages.score_tables import pooled_scores, random_comparison
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import Html
from nse_lstm.study.data_analysis.analyse import DataAnalysis
from nse_lstm.study.deployment.deploy import Deployment
from nse_lstm.study.deployment.replay import Replay
from nse_lstm.study.training.train import Exploration
from nse_lstm.study.validation.validate import Validation


def data_findings(analysis: DataAnalysis) -> Html:
    """Read Phase 1: what came in, what was mended, who is recommended."""
    facts, ledger = analysis.facts, analysis.file_ledger
    rows = ledger.groupby("action")["n_rows"].sum()
    tiers = analysis.statistics["tier"].value_counts()
    review = int((analysis.repairs["action"] == "review").sum())
    names = ", ".join(analysis.recommended[facts.test_year])
    return _paragraphs(
        f"{ledger['n_rows'].sum():,} rows came in and {facts.n_rows:,} are kept, one "
        f"for each of {facts.n_tickers} codes on each of {facts.n_sessions:,} sessions "
        f"it was listed; {rows.get('mended', 0):,} rows were mended and "
        f"{rows.get('dropped', 0):,} dropped, each with its reason.",
        f"{review:,} price moves beyond the daily limit have no known cause and are "
        "listed for review; they were not changed.",
        f"Of {len(analysis.statistics)} codes, {tiers.get(1, 0) + tiers.get(2, 0)} are "
        f"ordinary shares that trade well enough to learn from before "
        f"{facts.test_year}; the {tiers.get(1, 0)} with the highest turnover are "
        f"recommended: {names}.",
    )


def architecture_findings(exploration: Exploration, scores: pd.DataFrame) -> Html:
    """Read Phase 2: size, where training stopped, error beside persistence's."""
    mae = _metric(scores, "mae").droplevel("ticker")
    r_squared = _metric(scores, "r_squared").droplevel("ticker")
    model = exploration.model
    return _paragraphs(
        f"v2 has {exploration.n_parameters:,} parameters for "
        f"{len(exploration.split.train):,} training windows of {exploration.ticker}.",
        f"Training ran {model.epochs} epochs; the weights of epoch {model.best_epoch} "
        "had the lowest validation loss and were kept.",
        f"In {exploration.year}, a year it never saw, its mean absolute error is "
        f"{mae['v2']:.3f} KES against {mae['persistence']:.3f} for persistence "
        f"and {mae['v1']:.3f} for v1, the original rebuilt; R² on levels is "
        f"{r_squared['v2']:.3f}, {r_squared['persistence']:.3f} and "
        f"{r_squared['v1']:.3f}.",
    )


def training_findings(summary: pd.DataFrame) -> Html:
    """Read Phase 3: how many models, how long they trained, the worst of them."""
    summary = summary[summary["model"] == "v2"]
    worst = summary.sort_values("validation_loss").iloc[-1]
    first = int((summary["best_epoch"] == 1).sum())
    return _paragraphs(
        f"{len(summary)} v2 models were trained, for {summary['ticker'].nunique()} "
        "stocks and the years "
        f"{', '.join(map(str, sorted(summary['year'].unique())))}.",
        f"They kept the weights of epoch {summary['best_epoch'].median():.0f} in the "
        f"median, of at most {summary['epochs'].max()} that were run; {first} of them "
        "those of the first epoch, which is to say that further training only took "
        "them further from the validation span.",
        f"The hardest to fit is {worst['ticker']} before {worst['year']}: validation "
        f"Huber loss {worst['validation_loss']:.4f} against a median of "
        f"{summary['validation_loss'].median():.4f}.",
    )


def verdict_findings(validation: Validation) -> Html:
    """Say what the verdict rests on, and what could have been seen at all."""
    judged, year = validation.judgement, validation.look.test_year
    return _paragraphs(
        *judged.reasons,
        f"A yearly Sharpe ratio below {judged.smallest_detectable_sharpe:.1f} could "
        f"not have been told from zero in the {judged.n_sessions} sessions before "
        f"{year}; {validation.n_trials} strategies have been scored on this market so "
        "far, by the ledger.",
    )


def validation_findings(validation: Validation) -> Html:
    """Read Phase 4: error against persistence, money against chance, the choice."""
    mae = _metric(validation.test.scores, "mae").unstack("model").drop(index="ALL")
    better = int((mae["v2"] < mae["persistence"]).sum())
    chosen = validation.selection["champion"].value_counts()
    words = ", ".join(f"{name} for {n}" for name, n in chosen.items())
    look = validation.look
    return _paragraphs(
        f"In the test year {look.test_year} v2 has a smaller mean absolute error than "
        f"persistence in {better} of {len(mae)} stocks; in the median its error is "
        f"{(mae['v2'] / mae['persistence']).median():.1f} times persistence's.",
        _against_yardsticks(validation),
        f"Chosen on the walk-forward forecasts alone: {words}; this look at "
        f"{look.test_year} is labelled {look.label}: {look.meaning}.",
    )


def deployment_findings(deployment: Deployment, replayed: Replay) -> Html:
    """Read Phase 5: who serves, what reproduces, what a year of evenings came to."""
    champions = deployment.registry[deployment.registry["stage"] == "champion"]
    counts = champions["model"].value_counts()
    reproduced = deployment.reproduced
    return _paragraphs(
        f"{len(champions)} stocks are served: "
        + ", ".join(f"{n} by {name}" for name, n in counts.items())
        + ".",
        f"Reloaded from disk, the models reproduce {reproduced['n_equal'].sum():,} of "
        f"{reproduced['n_forecasts'].sum():,} test-year forecasts bit for bit; "
        f"{len(deployment.forecasts)} forecasts were made for the next session and "
        f"{len(deployment.refused)} refused.",
        *replay_findings(replayed),
    )


def _against_yardsticks(validation: Validation) -> str:
    """Say what the declared strategy earned beside equal weight and chance."""
    judged = validation.strategy
    scores = validation.test.scores
    money = pooled_scores(scores, cost_bps=judged.cost_bps)
    net = money.set_index(["strategy", "rule"])["net_return"]
    equal = net[NAMES[EQUAL_WEIGHT]].iloc[0]
    luck = random_comparison(scores, model=judged.model, cost_bps=judged.cost_bps)
    beaten = luck.set_index("rule")["random_beaten"][judged.rule]
    own = net[NAMES.get(judged.model, judged.model), judged.rule]
    chance = (
        "chance cannot be told, as its random positions all earn the same"
        if pd.isna(beaten)
        else f"it beat {beaten:.0%} of random positions with its turnover and exposure"
    )
    return (
        f"After {judged.cost_bps} basis points a side, {judged.model} by the "
        f"{judged.rule} rule made {own:+.1%}, equal weight {equal:+.1%}; {chance}."
    )


def _metric(scores: pd.DataFrame, metric: str) -> pd.Series:
    rows = scores[(scores["metric"] == metric) & (scores["rule"] == "none")]
    return rows.set_index(["ticker", "model"])["value"]


def _paragraphs(*sentences: str) -> Html:
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return Html(f"<ul>{items}</ul>")
