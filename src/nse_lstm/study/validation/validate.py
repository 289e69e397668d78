"""Phase 4: choose on the walk-forward years, then read the test year once.

The order is the point: forecasts, trials, selection and verdict come from the
walk-forward years before ``open_test_year`` is called.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.capacity import score_capacity
from nse_lstm.evaluation.cash import compound_cash
from nse_lstm.evaluation.forecast_faults import measure_faults
from nse_lstm.evaluation.price_averaging import score_delayed_direction
from nse_lstm.evaluation.random_positions import score_random
from nse_lstm.evaluation.report_card import report_card
from nse_lstm.evaluation.robustness import score_robustness
from nse_lstm.evaluation.scoring import (
    realised,
    score_accuracy,
    score_strategies,
    score_traded,
)
from nse_lstm.evaluation.selection import select
from nse_lstm.evaluation.strategies import (
    fold_bases,
    strategy_returns,
    tradability_by_stock,
)
from nse_lstm.evaluation.total_return import ReturnBasis, join_bases
from nse_lstm.evaluation.verdict import Judgement, pooled_excess
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.features.stock_channels import build_stock_channels
from nse_lstm.features.windows import FoldSplit
from nse_lstm.json_files import write_json
from nse_lstm.models.baselines import forecast_baselines
from nse_lstm.models.bundles import Bundle, load_bundle
from nse_lstm.models.forecasting import forecast
from nse_lstm.models.stock_lstm import STOCK_LSTM, forecast_stock_lstm
from nse_lstm.study.core.audit_result import AuditOutcome, read_audit
from nse_lstm.study.core.jobs import (
    bundle_folder,
    served_model,
    split_stock,
)
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.sealed_year import YearEvaluation, open_test_year
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.trials import read_trials, record_trials
from nse_lstm.study.core.verdict import (
    declared_returns,
    judge_declared,
    verdict_document,
)
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.validation.claims import gather_claims
from nse_lstm.study.validation.distribution import (
    DistributionResult,
    judge_distribution,
    no_distribution,
    write_distribution,
)
from nse_lstm.study.validation.evidence import gather_coverage, gather_evidence
from nse_lstm.tables import (
    CAPACITY,
    COVERAGE,
    EVIDENCE,
    FORECAST_FAULTS,
    FORECASTS,
    SCORES,
    STRATEGY_RETURNS,
    write_csv,
    write_table,
)


@dataclass(frozen=True)
class Evaluation:
    """Forecasts of some folds with their accounts and scores."""

    joined: pd.DataFrame
    """``FORECASTS`` with the realised values, see ``scoring.realised``."""
    returns: pd.DataFrame
    scores: pd.DataFrame
    capacity: pd.DataFrame
    basis: ReturnBasis
    """Total or price return, over all folds."""
    distribution: DistributionResult
    """Of the stock LSTM; empty where it is not trained."""

    @property
    def forecasts(self) -> pd.DataFrame:
        """``FORECASTS``, without the realised values."""
        return self.joined[list(FORECASTS.columns)]


@dataclass(frozen=True)
class Strategy:
    """The declared strategy, which the verdict judges."""

    model: str
    rule: str
    cost_bps: int


@dataclass(frozen=True)
class Validation:
    """Results of Phase 4 for its page; all of them lie on disk too."""

    walk_forward: Evaluation
    test: Evaluation
    selection: pd.DataFrame
    judgement: Judgement
    evidence: pd.DataFrame
    coverage: pd.DataFrame
    report_card: pd.DataFrame
    audit: AuditOutcome
    year_evaluation: YearEvaluation
    n_trials: int
    strategy: Strategy
    claims: pd.DataFrame
    """``CLAIMS``, the declared ones in order."""

    @property
    def scores(self) -> pd.DataFrame:
        """SCORES of all folds, the test year's last."""
        parts = [self.walk_forward.scores, self.test.scores]
        return pd.concat(parts, ignore_index=True)

    @property
    def distribution_scores(self) -> pd.DataFrame:
        """DISTRIBUTION_SCORES of all folds, the test year's last."""
        parts = [self.walk_forward.distribution.scores, self.test.distribution.scores]
        return pd.concat(parts, ignore_index=True)

    @property
    def capacity(self) -> pd.DataFrame:
        """CAPACITY of all folds, the test year's last."""
        parts = [self.walk_forward.capacity, self.test.capacity]
        return pd.concat(parts, ignore_index=True)


def walk_forward(data: StudyData) -> Evaluation:
    """Forecast and score every walk-forward year; the test year stays sealed."""
    return _evaluate(data, data.panel, data.walk_forward)


def validate(workspace: Workspace) -> Validation:
    """Phase 4: score the walk-forward years, choose, judge, then open the test year.

    Writes forecasts, strategy returns, scores and capacity (walk-forward and test
    together), the stock LSTM's distribution, its scores and its coverage
    (``distribution_*.parquet``), ``evidence.parquet`` and ``coverage.parquet``
    (walk-forward only), ``claims.parquet``,
    ``selection.json``, ``verdict.json`` and ``report_card.csv`` under
    ``trained_models/<market>/evaluation``.
    """
    data = open_study_data(workspace)
    study, test_fold = data.study, data.folds[-1]
    before = walk_forward(data)
    # Every trial is counted before anything is judged by their number.
    record_trials(data, before.returns, cost_bps=study.backtest.headline_cost_bps)
    selection = select(
        before.forecasts,
        data.panel,
        tickers=data.recommended[test_fold.year],
        network=served_model(study),
    )
    excess = pooled_excess(declared_returns(study, before.returns))
    trials = read_trials(data, judged=excess)
    audit = read_audit(data)
    judgement = judge_declared(
        study,
        before.returns,
        trials=trials,
        audit_clean=audit.clean,
        basis=before.basis,
    )
    evidence = gather_evidence(data, before.joined, excess, trials)
    coverage = gather_coverage(study, before.joined)
    panel, evaluation = open_test_year(data)
    test = _evaluate(data, panel, [test_fold])
    card = _report_card(study, test, year=test_fold.year)
    validation = Validation(
        walk_forward=before,
        test=test,
        selection=selection,
        judgement=judgement,
        evidence=evidence,
        coverage=coverage,
        report_card=card,
        audit=audit,
        year_evaluation=evaluation,
        n_trials=len(trials),
        strategy=Strategy(
            study.verdict.model, study.verdict.rule, study.backtest.headline_cost_bps
        ),
        claims=_claims(data, before, test),
    )
    _write(data, validation)
    return validation


def score_before_test(
    workspace: Workspace, forecasts: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join realised values to forecasts of years before the test year, and score them.

    Parameters
    ----------
    workspace : Workspace
    forecasts : DataFrame
        ``FORECASTS`` of years before the test year.

    Returns
    -------
    joined : DataFrame
        The forecasts with ``y``, ``level`` and ``last_price``.
    scores : DataFrame
        SCORES of the single stocks, accuracy only.
    """
    panel = open_study_data(workspace).panel
    scores = score_accuracy(forecasts, panel)
    return realised(forecasts, panel), scores[scores["ticker"] != "ALL"]


def accuracy_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy scores of one stock and fold, one column per model."""
    wide = scores.pivot(index="metric", columns="model", values="value").reset_index()
    wide["metric"] = wide["metric"].str.replace("_", " ")
    return wide.rename_axis(columns=None)


def forecast_fold(data: StudyData, panel: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Forecast one fold with v1, v2 and the baselines, on the same origins.

    Parameters
    ----------
    data : StudyData
    panel : DataFrame
        PANEL, reaching at least through the fold.
    fold : Fold

    Returns
    -------
    DataFrame
        FORECASTS of every stock recommended as of the fold's start.
    """
    v1, horizon = _load(data, ALL_STOCKS, fold), data.study.v2.horizon
    blocks = []
    for ticker, split in _splits(data, panel, fold):
        bundle = _load(data, ticker, fold)
        blocks += [
            forecast(bundle, split.forecast, year=fold.year),
            forecast(v1, split.forecast, year=fold.year, ticker=ticker),
            forecast_baselines(split, ticker=ticker, year=fold.year, horizon=horizon),
        ]
    return pd.concat(blocks, ignore_index=True)


def forecast_stocks(data: StudyData, panel: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Forecast one fold with the stock LSTM, on the origins of v1 and v2.

    Parameters
    ----------
    data : StudyData
    panel : DataFrame
        PANEL, reaching at least through the fold.
    fold : Fold

    Returns
    -------
    DataFrame
        FORECASTS of "stock_lstm" and "stock_lstm_median" of every stock recommended as
        of the fold's start.
    """
    study, known = data.study, panel[panel["session"] < fold.end]
    channels = build_stock_channels(
        known, cross_section=study.cross_section, lookback=study.stock_lstm.lookback
    )
    blocks = [
        forecast_stock_lstm(
            _load(data, ticker, fold, STOCK_LSTM),
            channels,
            split.forecast,
            year=fold.year,
        )
        for ticker, split in _splits(data, panel, fold)
    ]
    return pd.concat(blocks, ignore_index=True)


def _load(data: StudyData, ticker: str, fold: Fold, architecture: str = "v2") -> Bundle:
    folder = bundle_folder(data, ticker, fold.year, architecture)
    return load_bundle(folder)


def _splits(
    data: StudyData, panel: pd.DataFrame, fold: Fold
) -> Iterator[tuple[str, FoldSplit]]:
    """Yield every stock recommended as of the fold's start, with its windows."""
    prices = with_returns(panel)
    for ticker in data.recommended[fold.year]:
        yield ticker, split_stock(data.study, prices, ticker, fold)


def _evaluate(
    data: StudyData, panel: pd.DataFrame, folds: Sequence[Fold]
) -> Evaluation:
    declared, backtest = data.study.verdict, data.study.backtest
    blocks = [forecast_fold(data, panel, fold) for fold in folds]
    if data.study.stock_lstm.trained:
        blocks += [forecast_stocks(data, panel, fold) for fold in folds]
    forecasts = pd.concat(blocks, ignore_index=True)
    calendars = tradability_by_stock(forecasts, with_returns(panel), backtest=backtest)
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    one_later = replace(
        backtest, cost_bps=(backtest.headline_cost_bps,), delay=backtest.delay + 1
    )
    later = strategy_returns(forecasts, panel, backtest=one_later)
    joined = realised(forecasts, panel)
    scores = pd.concat(
        [
            score_accuracy(forecasts, panel),
            score_traded(forecasts, panel),
            score_delayed_direction(forecasts, panel),
            score_strategies(returns, backtest=backtest),
            score_robustness(
                forecasts,
                calendars,
                returns=returns,
                later=later,
                model=declared.model,
                backtest=backtest,
            ),
            score_random(
                returns,
                calendars,
                model=declared.model,
                backtest=backtest,
                draws=declared.random_draws,
                seed=data.study.seed,
            ),
        ],
        ignore_index=True,
    )
    capacity = score_capacity(
        forecasts,
        panel,
        calendars,
        model=declared.model,
        rule=declared.rule,
        backtest=backtest,
    )
    bases = fold_bases(forecasts, with_returns(panel), backtest=backtest)
    return Evaluation(
        joined=joined,
        returns=returns,
        scores=scores,
        capacity=capacity,
        basis=join_bases(list(bases.values())),
        distribution=_judge_distribution(data, panel, folds),
    )


def _judge_distribution(
    data: StudyData, panel: pd.DataFrame, folds: Sequence[Fold]
) -> DistributionResult:
    if not data.study.stock_lstm.trained:
        return no_distribution()
    before_test = data.folds[-1] not in folds
    return judge_distribution(data, panel, folds, pooled=before_test)


def _claims(data: StudyData, before: Evaluation, test: Evaluation) -> pd.DataFrame:
    """Judge the declared claims on every scored year, the test year included."""
    losses = [each.distribution.losses for each in (before, test)]
    known = [each for each in losses if len(each)]
    return gather_claims(
        data,
        pd.concat([before.joined, test.joined], ignore_index=True),
        pd.concat(known, ignore_index=True) if known else losses[0],
    )


def _report_card(study: Study, test: Evaluation, *, year: int) -> pd.DataFrame:
    """Compare the declared strategy with the targets, v1 under the same rule beside."""
    hold = partial(
        report_card,
        test.scores,
        rule=study.verdict.rule,
        year=year,
        backtest=study.backtest,
        basis=test.basis,
        cash=compound_cash(test.returns),
    )
    card = hold(model=study.verdict.model)
    place = list(card.columns).index("persistence")
    card.insert(place, "v1", hold(model="v1")["found"])
    return card


def _write(data: StudyData, validation: Validation) -> None:
    folder = data.paths.evaluation
    for name, schema in (
        ("forecasts", FORECASTS),
        ("returns", STRATEGY_RETURNS),
        ("scores", SCORES),
        ("capacity", CAPACITY),
    ):
        table = pd.concat(
            [getattr(validation.walk_forward, name), getattr(validation.test, name)],
            ignore_index=True,
        )
        write_table(table, schema, folder / f"{name}.parquet")
    write_table(validation.evidence, EVIDENCE, folder / "evidence.parquet")
    write_table(validation.coverage, COVERAGE, folder / "coverage.parquet")
    joined = [validation.walk_forward.joined, validation.test.joined]
    aimed = pd.concat(joined, ignore_index=True)
    faults = measure_faults(aimed, limit=data.study.backtest.daily_limit)
    write_table(faults, FORECAST_FAULTS, folder / "forecast_faults.parquet")
    write_distribution(
        data, validation.walk_forward.distribution, validation.test.distribution
    )
    rows = json.loads(
        validation.selection.to_json(orient="records", double_precision=12)
    )
    write_json(folder / "selection.json", rows)
    write_csv(validation.report_card, folder / "report_card.csv")
    document = verdict_document(
        data,
        validation.judgement,
        audit=validation.audit,
        evaluation=validation.year_evaluation,
        n_trials=validation.n_trials,
    )
    write_json(folder / "verdict.json", document)
