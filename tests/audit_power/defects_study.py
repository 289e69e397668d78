"""Defects in fitting, backtest, scoring and selection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from audit_power.defects import Defect
from nse_lstm.config import Backtest
from nse_lstm.evaluation import backtest as backtest_module
from nse_lstm.evaluation import metrics, strategies
from nse_lstm.evaluation.backtest import TradabilityCalendar
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.features.windows import PER_WINDOW, FoldSplit, Windows
from nse_lstm.study.audit import pipeline_run, surrogate
from nse_lstm.study.audit.patching import patched
from nse_lstm.study.core import jobs
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.validation import validate
from nse_lstm.tables import PANEL, read_table

FEW_SESSIONS = 20
OVERLAP = pd.Timedelta(days=90)


def _whole_panel(workspace: Workspace) -> pd.DataFrame:
    return read_table(PANEL, workspace.paths.processed / "panel.parquet")


def _unsealed(workspace: Workspace) -> StudyData:
    """Open the study's data with the test year in its panel."""
    data = open_study_data(workspace)
    vars(data)["panel"] = _whole_panel(workspace)
    return data


def _scaler_on_everything(network: bool) -> Any:
    @contextmanager
    def patch() -> Iterator[None]:
        """Fit every scaler on all prices of the market, the test year's too."""
        seen: list[float] = []
        before = pipeline_run.open_study_data

        def read(workspace: Workspace) -> StudyData:
            prices = with_returns(_whole_panel(workspace))
            shares = prices.loc[prices["kind"] == "ordinary", "adjusted"]
            seen[:] = [float(shares.min()), float(shares.max())]
            return before(workspace)

        def fit(values: Any) -> MinMaxScaler:
            return MinMaxScaler(*seen)

        with (
            patched(pipeline_run, open_study_data=read),
            patched(_fitting(network), fit_min_max=fit),
        ):
            yield

    return patch


def _scaler_of_the_test(network: bool) -> Any:
    @contextmanager
    def patch() -> Iterator[None]:
        """Scale what is forecast from by its own range, the year's."""

        def scale(scaler: MinMaxScaler, values: Any) -> Any:
            return (values - np.min(values)) / (np.max(values) - np.min(values))

        with patched(_forecasting(network), scale=scale):
            yield

    return patch


def _other_split(change: Callable[[FoldSplit, Windows, Fold], FoldSplit]) -> Any:
    @contextmanager
    def patch() -> Iterator[None]:
        """Split with the test year in sight."""
        before = jobs.split_fold

        def split(windows: Windows, fold: Fold, **how: Any) -> FoldSplit:
            return change(before(windows, fold, **how), windows, fold)

        with (
            patched(jobs, split_fold=split),
            patched(pipeline_run, open_study_data=_unsealed),
        ):
            yield

    return patch


def _stop_on_test(split: FoldSplit, windows: Windows, fold: Fold) -> FoldSplit:
    return replace(split, validation=split.forecast)


def _shuffled(split: FoldSplit, windows: Windows, fold: Fold) -> FoldSplit:
    known = np.flatnonzero(windows.target_date < np.datetime64(fold.end))
    mixed = np.random.default_rng(0).permutation(known)
    cut = int(0.8 * len(mixed))
    train, held = (_take(windows, np.sort(p)) for p in (mixed[:cut], mixed[cut:]))
    return replace(split, train=train, validation=held)


def _in_sample(split: FoldSplit, windows: Windows, fold: Fold) -> FoldSplit:
    known = np.flatnonzero(windows.target_date < np.datetime64(fold.end))
    return replace(split, train=_take(windows, known))


def _overlapping(split: FoldSplit, windows: Windows, fold: Fold) -> FoldSplit:
    late = np.datetime64(fold.start + OVERLAP)
    return replace(
        split, train=_take(windows, np.flatnonzero(windows.target_date < late))
    )


def _unpurged(split: FoldSplit, windows: Windows, fold: Fold) -> FoldSplit:
    first = split.validation.origin[0]
    return replace(split, train=_take(windows, np.flatnonzero(windows.origin < first)))


def _take(windows: Windows, places: Any) -> Windows:
    taken = {name: getattr(windows, name)[places] for name in PER_WINDOW}
    return replace(windows, **taken)


@contextmanager
def chosen_on_test() -> Iterator[None]:
    """Choose each stock's champion on the test year."""
    walk_forward, select = validate.walk_forward, validate.select
    known: list[StudyData] = []

    def remember(data: StudyData) -> Any:
        known[:] = [data]
        return walk_forward(data)

    def choose(
        forecasts: pd.DataFrame, panel: pd.DataFrame, *, tickers: list[str]
    ) -> Any:
        whole, fold = _whole_panel(known[0]), known[0].folds[-1]
        test = validate.forecast_fold(known[0], whole, fold)
        return select(test, whole, tickers=tickers)

    with patched(validate, walk_forward=remember, select=choose):
        yield


def _other_calendar(
    change: Callable[[TradabilityCalendar], TradabilityCalendar],
) -> Any:
    @contextmanager
    def patch() -> Iterator[None]:
        """Replace the tradability calendar."""
        before = strategies.tradability

        def read(*given: Any, **how: Any) -> TradabilityCalendar:
            return change(before(*given, **how))

        with patched(strategies, tradability=read):
            yield

    return patch


def _same_session(calendar: TradabilityCalendar) -> TradabilityCalendar:
    return replace(calendar, origin=calendar.session)


def _always_filled(calendar: TradabilityCalendar) -> TradabilityCalendar:
    always = np.ones_like(calendar.buy_fills)
    return replace(calendar, buy_fills=always, sell_fills=always)


def _other_account(
    change: Callable[[pd.DataFrame, Backtest, int], pd.DataFrame],
) -> Any:
    @contextmanager
    def patch() -> Iterator[None]:
        """Replace the account."""
        before = strategies.simulate_fills

        def simulate(
            calendar: TradabilityCalendar,
            signals: Any,
            *,
            backtest: Backtest,
            cost_bps: int,
        ) -> Any:
            account = before(calendar, signals, backtest=backtest, cost_bps=cost_bps)
            return change(account, backtest, cost_bps)

        with patched(strategies, simulate_fills=simulate):
            yield

    return patch


def _net(account: pd.DataFrame, gross: Any, cost_bps: int) -> pd.DataFrame:
    turnover = account["turnover"].to_numpy()
    net = backtest_module.net_of_cost(np.asarray(gross), turnover, cost_bps=cost_bps)
    return account.assign(gross_return=gross, net_return=net)


def _unpaid(account: pd.DataFrame, backtest: Backtest, cost_bps: int) -> pd.DataFrame:
    return account.assign(net_return=account["gross_return"])


def _half_paid(
    account: pd.DataFrame, backtest: Backtest, cost_bps: int
) -> pd.DataFrame:
    return _net(account, account["gross_return"], cost_bps // 2)


def _short(account: pd.DataFrame, backtest: Backtest, cost_bps: int) -> pd.DataFrame:
    flat = account["position"] == 0
    gross = account["gross_return"].where(~flat, -account["stock_return"])
    return _net(account, gross, cost_bps)


def _rich_cash(
    account: pd.DataFrame, backtest: Backtest, cost_bps: int
) -> pd.DataFrame:
    more = (1 - account["position"]) * account["cash_return"]
    return _net(account, account["gross_return"] + more, cost_bps)


def _other_scores(change: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]) -> Any:
    @contextmanager
    def patch() -> Iterator[None]:
        """Score other returns than were earned."""
        simulate, score = validate.strategy_returns, validate.score_strategies
        seen: list[pd.DataFrame] = []

        def remember(forecasts: pd.DataFrame, *given: Any, **how: Any) -> pd.DataFrame:
            seen[:] = [forecasts]
            return simulate(forecasts, *given, **how)

        def rate(returns: pd.DataFrame, **how: Any) -> pd.DataFrame:
            return score(change(returns, seen[0]), **how)

        with patched(validate, strategy_returns=remember, score_strategies=rate):
            yield

    return patch


def _forecast_path(returns: pd.DataFrame, forecasts: pd.DataFrame) -> pd.DataFrame:
    key = ["ticker", "model", "seed", "fold", "session"]
    path = forecasts.rename(columns={"target_date": "session"})[[*key, "y_hat"]]
    joined = returns.merge(path, on=key, how="left")
    earned = joined["position"] * np.expm1(joined["y_hat"].fillna(0.0))
    return returns.assign(net_return=earned.to_numpy())


def _few_sessions(returns: pd.DataFrame, forecasts: pd.DataFrame) -> pd.DataFrame:
    key = ["ticker", "model", "seed", "fold", "rule", "cost_bps"]
    return returns.groupby(key).tail(FEW_SESSIONS)


@contextmanager
def calendar_year() -> Iterator[None]:
    """Annualise by 365 days."""
    before = metrics.sharpe_ratio

    def ratio(returns: Any, *, sessions_per_year: int, cash: Any = 0.0) -> float:
        return before(returns, sessions_per_year=365, cash=cash)

    with patched(metrics, sharpe_ratio=ratio):
        yield


@contextmanager
def moves_only() -> Iterator[None]:
    """Score accuracy on sessions only whose price moved."""
    before = validate.score_accuracy

    def score(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
        moved = validate.realised(forecasts, panel)["y"] != 0
        return before(forecasts[moved.to_numpy()], panel)

    with patched(validate, score_accuracy=score):
        yield


def _fitting(network: bool) -> Any:
    if not network:
        return surrogate
    from nse_lstm.models import fitting

    return fitting


def _forecasting(network: bool) -> Any:
    if not network:
        return surrogate
    from nse_lstm.models import forecasting

    return forecasting


STUDY_DEFECTS = (
    Defect(
        "scaler on all data",
        "every scaler spans the market's prices of all years",
        _scaler_on_everything(network=False),
    ),
    Defect(
        "scaler on all data, network",
        "the same in the network's fitting",
        _scaler_on_everything(network=True),
        "network",
    ),
    Defect(
        "test-year scaling",
        "inputs are scaled by the test year's own range",
        _scaler_of_the_test(network=False),
    ),
    Defect(
        "test-year scaling, network",
        "the same in the network's forecasting",
        _scaler_of_the_test(network=True),
        "network",
    ),
    Defect(
        "early stopping on the test span",
        "the forecast windows stop training",
        _other_split(_stop_on_test),
    ),
    Defect(
        "shuffled split", "training windows drawn at random", _other_split(_shuffled)
    ),
    Defect(
        "in-sample walk-forward", "training includes the fold", _other_split(_in_sample)
    ),
    Defect(
        "overlapping folds",
        "training runs three months into the fold",
        _other_split(_overlapping),
    ),
    Defect("no purge", "labels reach the validation span", _other_split(_unpurged)),
    Defect(
        "selection on the test year",
        "champions are chosen on the test year",
        chosen_on_test,
    ),
    Defect(
        "same-session fill",
        "filled at the price that is the signal",
        _other_calendar(_same_session),
    ),
    Defect(
        "always filled", "limits and volume ignored", _other_calendar(_always_filled)
    ),
    Defect("unpaid costs", "net is gross", _other_account(_unpaid)),
    Defect("half the costs", "half of each cost is paid", _other_account(_half_paid)),
    Defect("free shorting", "flat sessions earn the opposite", _other_account(_short)),
    Defect("cash twice", "uninvested money earns double", _other_account(_rich_cash)),
    Defect(
        "forecast-path Sharpe",
        "the forecast counts as earned",
        _other_scores(_forecast_path),
    ),
    Defect(
        "tiny-window annualisation",
        f"scored on the last {FEW_SESSIONS} sessions",
        _other_scores(_few_sessions),
    ),
    Defect("annualised by 365", "365 sessions a year", calendar_year),
    Defect("moves only", "sessions without a move are not scored", moves_only),
)
