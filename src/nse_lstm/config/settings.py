"""Settings of a study, section by section, as frozen and validated dataclasses."""

import math
from dataclasses import field
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

FORBID = ConfigDict(extra="forbid", allow_inf_nan=False)

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Ticks = Literal["nse", "none"] | Positive
"""Price steps: the Nairobi exchange's tables, none, or one step for all prices."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Market:
    """A market: its files, its label, and the years whose results are known."""

    name: Name
    label: str
    """Shown in the header of every page."""
    simulated: bool = False
    citation: str = ""
    """Source and licence, shown wherever results on the data are shown."""
    results_known_through: int = 0
    """Last year whose results were published before this study was frozen."""
    untouched: tuple[int, ...] = ()
    """Years that are never scored: kept whole for claims declared beforehand."""
    chosen_on: tuple[int, ...] = ()
    """Years that settings were chosen on: what is found there confirms nothing."""
    first_walk_forward: int = 0
    """First walk-forward year; 0 for ``folds.n_walk_forward`` years."""
    corporate_actions: str = "data/corporate_actions"
    """Folder of the sourced tables, ``<market>.csv``, from the project's root. They are
    part of the data's digest."""
    sourced: str = "data"
    """Folder of the other sourced tables, ``<kind>/<market>.csv``, from the project's
    root (``data/README.md``)."""
    holidays: str = ""
    """Country code of the public holidays without a session, such as "KE"; weekdays
    only if empty. A simulated market has its own rule."""
    prices: Literal["average", "close"] = "average"
    """What a printed price is: the average of the session's trades, or the last one."""
    trading_days: dict[date, bool] = field(default_factory=dict)
    """Whether the exchange trades on a day, where the public holidays say otherwise.
    Read from ``holidays/<market>.csv``."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Simulation:
    """The simulated market: its scale and its predictability."""

    first_year: int = 2013
    last_year: int = 2024
    n_ordinary: Annotated[int, Field(ge=4, le=63)] = 63
    """Number of ordinary shares; the exchange has 63."""
    seed: Annotated[int, Field(ge=0)] = 2013
    signal: Annotated[float, Field(ge=0, le=0.3)] = 0.06
    """Approximate rank IC of an oracle that trades a session later; 0 for none."""
    signal_parts: tuple[Fraction, Fraction, Fraction] = (0.5, 0.25, 0.25)
    """Fractions of the signal: pooled linear, pooled nonlinear, stock-specific."""
    faults: bool = True
    """Whether the files have the faults of the real ones."""

    @model_validator(mode="after")
    def _years_in_order(self) -> "Simulation":
        if not 2013 <= self.first_year <= self.last_year <= 2024:
            raise ValueError(
                "expected 2013 <= first_year <= last_year <= 2024. "
                f"Received: {self.first_year}, {self.last_year}"
            )
        return self

    @model_validator(mode="after")
    def _parts_sum_to_one(self) -> "Simulation":
        if abs(sum(self.signal_parts) - 1) > 1e-9:
            raise ValueError(
                f"expected signal_parts that sum to 1. Received: {self.signal_parts}"
            )
        return self


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Universe:
    """Rules that select the stocks to train on, from data before the test year."""

    n_recommended: Count = 10
    min_sessions: Count = 1000
    """Sessions with a price before the test year."""
    min_traded_share: Fraction = 0.60
    """Fraction of the trailing ``liquidity_sessions`` with volume."""
    liquidity_sessions: Count = 120
    """Trailing span of the median turnover that ranks the stocks."""
    recency_sessions: Count = 10
    """A stock without a trade for more sessions is not tradable."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Folds:
    """Yearly walk-forward folds; the test year is the last fold."""

    n_walk_forward: Count = 1
    validation_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.15
    """Last fraction of a training span: stops training, steers the learning rate."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class V1:
    """The original model, rebuilt charitably, with fixed network and training."""

    max_windows: Count = 20_000
    """Training windows of all ordinary shares together, thinned evenly."""
    max_epochs: Count = 10
    """Every epoch is run, since v1 has no validation."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class V2:
    """The v2 network: one regularised LSTM per stock, on price levels."""

    lookback: Count = 60
    horizon: Count = 1
    units: Count = 50
    dense_units: Count = 25
    dropout: Fraction = 0.3
    dense_dropout: Fraction = 0.2
    l2: Annotated[float, Field(ge=0)] = 0.01


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Training:
    """Training of one network."""

    batch_size: Count = 32
    max_epochs: Count = 25
    learning_rate: Positive = 1e-3
    stopping_patience: Count = 10
    plateau_patience: Count = 5
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    min_learning_rate: Positive = 1e-5
    decays: bool = False
    """Whether the learning rate falls linearly to 0 after the last epoch."""
    warm_up_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the learning rate rises linearly to its value."""
    keeps_start: bool = False
    """Whether the weights before the first epoch may be the best ones."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes of one thread each; 0 means one per core. Never changes a result."""
    engine: Literal["local", "dask"] = "local"
    """Local processes or a cluster's workers; the models are the same to the byte."""
    scheduler: str = ""
    """Address of the cluster, such as ``tcp://10.0.0.1:8786``."""
    store: str = ""
    """Folder or fsspec URL for windows and bundles, shared by cluster and client."""

    @model_validator(mode="after")
    def _a_cluster_has_an_address_and_a_store(self) -> "Training":
        if self.engine == "dask" and not (self.scheduler and self.store):
            raise ValueError(
                'engine = "dask" expects `scheduler` and `store`. '
                f"Received: {self.scheduler!r}, {self.store!r}"
            )
        return self


@dataclass(frozen=True, kw_only=True, config=FORBID)
class CrossSection:
    """The monthly universe on which rank IC is measured, and the ranked horizons."""

    size: Annotated[int, Field(ge=2)] = 25
    """Number of ordinary shares with the highest trailing median turnover."""
    liquidity_sessions: Count = 120
    min_traded_share: Fraction = 0.60
    horizons: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 5, 10)
    """Sessions from entry to target; the entry is one session after the origin."""
    purge: Annotated[int, Field(ge=0)] = 5
    """Sessions left out before a fold, beside delay and horizon."""
    ticks: Ticks = "nse"
    """Price steps of the exchange, for the feature ``relative_tick``."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Tabular:
    """Ridge and boosted trees on the features of the cross-section.

    The settings were chosen by rank IC on 2015 and 2016 of the exchange's files.
    """

    first_year: int = 2017
    """First forecast year; every year trains on all years before it."""
    ridge_alpha: Positive = 1000.0
    """For features in [-1/2, 1/2] and about 10^5 rows."""
    stock_ridge_alpha: Positive = 100.0
    min_stock_rows: Count = 100
    """Fewest training rows for a stock's own ridge."""
    boosting_rounds: Count = 200
    learning_rate: Positive = 0.03
    max_leaves: Annotated[int, Field(ge=2)] = 8
    min_leaf_rows: Count = 500
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Fraction of the features that a split may choose from, drawn for each split."""
    leaf_l2: Annotated[float, Field(ge=0)] = 10.0


@dataclass(frozen=True, kw_only=True, config=FORBID)
class RankLstm:
    """The rank LSTM: one network for all stocks and horizons.

    An LSTM over the lookback stands beside a linear and a ReLU layer on the last
    session. The settings were chosen by rank IC on 2015 and 2016 of the exchange's
    files and on simulated markets; ``docs/forecasters.md`` counts the trials. A penalty
    weighs the squared weights against the sum of squared errors, as in a ridge.
    """

    first_year: int = 2017
    """First forecast year, not before the tabular models'."""
    n_seeds: Count = 1
    """Networks per year, whose forecasts are averaged."""
    lookback: Count = 20
    units: Count = 16
    """Units of the LSTM."""
    penalty: Annotated[float, Field(ge=0)] = 100.0
    """L2 penalty on both kernels of the LSTM."""
    deep_units: Count = 64
    """Units of the ReLU layer on the last session."""
    deep_penalty: Annotated[float, Field(ge=0)] = 30.0
    wide_penalty: Annotated[float, Field(ge=0)] = 3000.0
    """L2 penalty on the linear layer on the last session."""
    dropout: Fraction = 0.5
    """Dropout of the LSTM's state and of the ReLU layer."""
    distilled_share: Fraction = 0.5
    """Weight of boosted trees' forecasts in the target, against the realised ranks
    (``models.distillation``)."""
    distillation_folds: Annotated[int, Field(ge=2)] = 5
    """Folds of the training span; each is forecast by trees fitted on the others."""
    every: Count = 1
    """Step between a stock's training windows, 1 for all."""
    learning_rate: Positive = 1e-3
    """Learning rate of the first step; it falls linearly to 0."""
    batch_size: Count = 256
    max_epochs: Count = 4
    """Every epoch is run."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class StockLstm:
    """The stock LSTM: pretrained on all liquid stocks, fine-tuned per stock.

    It starts at persistence and forecasts the next log return in units of the stock's
    own volatility. The settings were chosen on 2015 and 2016 of the exchange's files;
    ``docs/stock_lstm.md`` counts the trials.
    """

    trained: bool = True
    """Whether it is trained, one network per stock and year."""
    lookback: Count = 20
    units: Count = 16
    l2: Annotated[float, Field(ge=0)] = 1e-4
    """L2 penalty on both kernels of the LSTM."""
    skip_l2: Annotated[float, Field(ge=0)] = 2e-3
    """L2 penalty on the linear layer on the last session."""
    dropout: Fraction = 0.3
    n_members: Count = 3
    """Networks per stock, whose forecasts are averaged."""
    n_pool: Count = 25
    """Top-ranked tradable stocks that the pool holds beside the recommended ones."""
    pool_epochs: Count = 15
    """Every epoch of the pretraining is run."""
    pool_batch_size: Count = 128
    pool_learning_rate: Positive = 3e-3
    """Highest learning rate; it falls linearly to 0."""
    pool_warm_up_steps: Annotated[int, Field(ge=0)] = 50
    max_epochs: Count = 10
    """Epochs of the fine-tuning; the best one is kept, epoch 0 included."""
    batch_size: Count = 32
    learning_rate: Positive = 1e-3
    warm_up_steps: Annotated[int, Field(ge=0)] = 20
    threshold: Annotated[float, Field(ge=0)] = 0.1
    """Standard deviations that the median's forecast is moved towards no change."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Portfolio:
    """Rules that hold a tilted portfolio of the universe, on a ranking of its stocks.

    Their settings were chosen on 2014 to 2016 of the exchange's files, and
    ``docs/portfolios.md`` counts the trials. A weight is a fraction of the account.
    """

    horizon: Count = 10
    """Horizon of the ranking in sessions, one of the cross-section's."""
    smoothing: Count = 5
    """Sessions whose ranks are averaged, the latest included."""
    every: Count = 5
    """Sessions between two decisions."""
    n_starts: Annotated[int, Field(ge=1, le=20)] = 5
    """Consecutive start days, one account each; their mean is reported."""
    adjustment: Annotated[float, Field(gt=0, le=1)] = 0.10
    """Part of the way to the rank-squared weights that one decision goes."""
    n_names: Count = 8
    """Stocks of the top-ranked portfolio."""
    sold_below: Count = 16
    """Place in the ranking below which a stock of it is sold."""
    strength: Positive = 0.1
    """Forecast return per standard deviation of return and of ranking."""
    cost_multiple: Annotated[float, Field(ge=0)] = 2.0
    """Multiple of the headline cost that the optimisation charges a trade."""
    risk_aversion: Annotated[float, Field(ge=0)] = 10.0
    """Of the variance over the horizon of the difference from equal weight."""
    risk_sessions: Annotated[int, Field(ge=2)] = 250
    """Sessions before the origin from which risk is estimated."""
    max_weight: Annotated[float, Field(gt=0, le=1)] = 0.15
    """Largest weight of a stock that is bought."""
    volume_sessions: Count = 20
    """Sessions of limited orders in which a largest holding could be bought."""
    capital_kes: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1e7, 1e8)
    """Capitals of the accounts in whole lots with a limited share of the volume."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Backtest:
    """Orders, costs and valuation. Basis points are per side."""

    delay: Count = 1
    cost_bps: tuple[Annotated[int, Field(ge=0)], ...] = (0, 36, 66, 155, 212)
    headline_cost_bps: Annotated[int, Field(ge=0)] = 66
    limit: Annotated[float, Field(ge=0, lt=1)] = 0.095
    """A buy lapses at a session return of at least this, a sell at most minus this. 0:
    the exchange has no daily limit."""
    indices: tuple[str, ...] = ("^NASI", "^N20I")
    """Codes of the market's indices; the one with most sessions is the benchmark."""
    gate_multiple: Positive = 2.0
    """The cost gate enters above this multiple of the cost and leaves below 0."""
    cash_rate: Annotated[float, Field(ge=0, lt=1)] = 0.085
    """Yearly simple yield of cash where no bill rate is known: an assumption near
    Kenya's treasury bills."""
    bill_rates: dict[Month, Rate] = field(default_factory=dict)
    """Yearly simple yield of the 91-day bill by month. Read from
    ``cash/<market>.csv``."""
    withholding_tax: dict[int, dict[Literal["bill", "dividend"], Rate]] = field(
        default_factory=dict
    )
    """Fraction of each income that is withheld, by year. Read from
    ``withholding_tax/<market>.csv``."""
    sessions_per_year: Count = 250
    suspension_haircut: Fraction = 0.30
    """Fraction taken off the last price while a held stock is suspended."""
    dividend_band: tuple[Fraction, Fraction] = (0.05, 0.08)
    """Yearly dividend yield that price-only returns leave out."""
    capital_kes: Positive = 10_000_000.0
    """Capital of the account in whole lots. The headline account trades any
    fraction."""
    max_volume_share: Annotated[float, Field(gt=0, le=1)] = 0.10
    """Largest fraction of a session's volume that one order takes."""
    board_lot: Count = 100
    """Shares per lot; orders are whole lots."""
    board_lot_until: date = date(2025, 7, 31)
    """Last session of board lots; single shares are traded after it."""
    capacity_kes: Annotated[tuple[Positive, ...], Field(min_length=1)] = (
        *(1e5, 1e6, 1e7),
        *(1e8, 1e9),
    )
    """Capitals at which the declared strategy is simulated in lots."""
    n_starts: Count = 20
    """Consecutive sessions on which an account is opened, about a month."""

    @property
    def order_limit(self) -> float:
        """Session return at which an order lapses, infinite without a daily limit."""
        return self.limit or math.inf

    @property
    def daily_limit(self) -> float:
        """Largest move of a price per session: the whole percent at or above ``limit``.

        Infinite on an exchange without a daily limit.
        """
        return math.ceil(round(self.limit * 100, 6)) / 100 or math.inf

    @model_validator(mode="after")
    def _headline_is_a_level(self) -> "Backtest":
        if self.headline_cost_bps not in self.cost_bps:
            raise ValueError(
                f"headline_cost_bps must be one of cost_bps={self.cost_bps}. "
                f"Received: {self.headline_cost_bps}"
            )
        return self

    @model_validator(mode="after")
    def _capital_is_a_capacity(self) -> "Backtest":
        if self.capital_kes not in self.capacity_kes:
            raise ValueError(
                f"capital_kes must be one of capacity_kes={self.capacity_kes}. "
                f"Received: {self.capital_kes}"
            )
        return self


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Verdict:
    """The declared strategy of the verdict, and the settings of its tests."""

    model: Name = "v2"
    rule: Literal["sign", "gate"] = "gate"
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    bootstrap_reps: Count = 2000
    bootstrap_block: Count = 10
    """Mean block length of the stationary bootstrap, sessions."""
    min_deflated_sharpe: Fraction = 0.95
    random_draws: Count = 200
    """Random strategies with the declared model's turnover and exposure."""


Statistic = Literal[
    "skill", "direction", "rank_ic", "crps", "net_return", "best_return", "saving"
]
"""What a claim measures; ``study.validation.claims`` has the series of each."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Claim:
    """One claim of the declared family: a forecaster or rule against a benchmark."""

    name: Name
    model: Name
    rule: str = ""
    """Of the portfolio rule; empty for a forecast."""
    against: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The benchmark; of several the better one."""
    statistic: Statistic
    horizon: Count = 1
    """Sessions; of an order the most that it waits."""
    delay: Annotated[int, Field(ge=0)] = 1
    smallest: Positive
    """Smallest useful effect: a fraction, a rank IC or basis points."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Claims:
    """The declared family of claims, and how they are judged together.

    A changed list is another list with another date.
    """

    declared: date | None = None
    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """Family-wise probability of any false yes (Holm)."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Of the two-sided intervals, whose upper bound decides a no."""
    power: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Probability with which the smallest detectable effect is detected."""
    bootstrap_reps: Count = 10_000
    """Resamples: the smallest p-value is 1 over one more."""
    blocks: tuple[Count, Count] = (10, 20)
    """Mean block lengths of the stationary bootstrap, the deciding one first."""
    family: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _names_once_and_a_date(self) -> "Claims":
        names = [each.name for each in self.family]
        if len(set(names)) < len(names):
            raise ValueError(f"expected each claim once. Received: {names}")
        if names and self.declared is None:
            raise ValueError("expected the date on which the claims were declared")
        return self


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Review:
    """Limit of unexplained price jumps in a new file; it changes no result."""

    accepted: str = "data/accepted_jumps"
    """Folder of the accepted jumps, ``<market>.csv``, from the project's root."""
    max_new_jumps: Annotated[int, Field(ge=0)] = 0
    """`nse-lstm review` fails above this number of jumps that are not accepted."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Ablation:
    """Budget of the ablation of v2's changes, on the last walk-forward year."""

    n_seeds: Annotated[int, Field(ge=2)] = 5
    n_stocks: Count = 2
    """Number of the year's first recommended stocks."""
    max_epochs: Count = 15
    """With early stopping; without it at most v1's."""
    max_windows: Count = 1000
    """Training windows per stock, thinned evenly."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Search:
    """Budget of the hyperparameter search, on years before the walk-forward years."""

    n_trials: Count = 20
    """Trials per forecaster, the study's own settings first; pruned ones count."""
    rank_lstm_trials: Count = 20
    """Trials for the rank LSTM, which take about ten times as long."""
    seed: Annotated[int, Field(ge=0)] = 1
    n_years: Count = 2
    """Number of scored years, the last before the first walk-forward year."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Deployment:
    """Limits for serving a model and for flagging its forecasts."""

    max_panel_age: Count = 5
    """Weekdays from the last session to the day of scoring; more make a panel stale."""
    on_stale_panel: Literal["refuse", "flag"] = "refuse"
    max_model_age: Count = 270
    """Weekdays from a model's last training session to the origin: a year, and some
    days to retrain."""
    on_stale_model: Literal["refuse", "flag"] = "flag"
    range_margin: Annotated[float, Field(ge=0)] = 0.25
    """Prices beyond the trained range by more than this fraction of it are outside."""
    on_outside_range: Literal["refuse", "flag"] = "flag"
    min_sessions: Count = 60
    """Fewest sessions on which the gate compares a model with the champion."""
    coverage: tuple[Fraction, Fraction] = (0.85, 0.95)
    """Coverage that the gate requires of 90 % intervals."""

    @model_validator(mode="after")
    def _coverage_in_order(self) -> "Deployment":
        if self.coverage[0] > self.coverage[1]:
            raise ValueError(f"expected a band of coverage. Received: {self.coverage}")
        return self


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Study:
    """All settings of one market's study."""

    market: Market
    test_year: Annotated[int, Field(ge=0)] = 0
    """0 means the last year with at least 200 sessions."""
    seed: Annotated[int, Field(ge=0)] = 1
    simulation: Simulation = field(default_factory=Simulation)
    universe: Universe = field(default_factory=Universe)
    folds: Folds = field(default_factory=Folds)
    v1: V1 = field(default_factory=V1)
    v2: V2 = field(default_factory=V2)
    training: Training = field(default_factory=Training)
    cross_section: CrossSection = field(default_factory=CrossSection)
    tabular: Tabular = field(default_factory=Tabular)
    rank_lstm: RankLstm = field(default_factory=RankLstm)
    stock_lstm: StockLstm = field(default_factory=StockLstm)
    portfolio: Portfolio = field(default_factory=Portfolio)
    backtest: Backtest = field(default_factory=Backtest)
    verdict: Verdict = field(default_factory=Verdict)
    claims: Claims = field(default_factory=Claims)
    review: Review = field(default_factory=Review)
    ablation: Ablation = field(default_factory=Ablation)
    search: Search = field(default_factory=Search)
    deployment: Deployment = field(default_factory=Deployment)
