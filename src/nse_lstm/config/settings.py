"""The settings, section by section, as frozen and validated dataclasses."""

from dataclasses import field
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

FORBID = ConfigDict(extra="forbid", allow_inf_nan=False)

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Market:
    """One market: which files, what to call it, how much of it is already known."""

    name: Name
    label: str
    """Shown in the header of every page."""
    simulated: bool = False
    citation: str = ""
    """Source and licence, shown wherever results on the data are shown."""
    results_known_through: int = 0
    """Last year whose results were published before this study was frozen."""
    corporate_actions: str = "data/corporate_actions"
    """Folder of the sourced tables, ``<market>.csv``, from the project's root; what
    they say is part of the data's digest."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Simulation:
    """The embedded market: its scale, and how much of it can be forecast."""

    first_year: int = 2013
    last_year: int = 2024
    n_ordinary: Annotated[int, Field(ge=4, le=63)] = 63
    """63 is the exchange's own number."""
    seed: Annotated[int, Field(ge=0)] = 2013
    signal: Annotated[float, Field(ge=0, le=0.3)] = 0.06
    """Rank IC, about, of whoever knows the plan, dealing a session later; 0 is none."""
    signal_parts: tuple[Fraction, Fraction, Fraction] = (0.5, 0.25, 0.25)
    """Shares of it: pooled linear, pooled nonlinear, stock-specific; they sum to 1."""
    faults: bool = True
    """Whether the files have the faults that the real ones have."""

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
    """Who is worth training on, judged before the test year only."""

    n_recommended: Count = 10
    min_sessions: Count = 1000
    """Sessions with a price before the test year."""
    min_traded_share: Fraction = 0.60
    """Share of the trailing ``liquidity_sessions`` with volume."""
    liquidity_sessions: Count = 120
    """Trailing span of the median turnover that ranks the stocks."""
    recency_sessions: Count = 10
    """A stock that has not traded for more sessions than this is not tradable."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Folds:
    """Yearly walk-forward; the test year itself is the last fold."""

    n_walk_forward: Count = 1
    validation_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.15
    """Last share of a training span: stops training, steers the learning rate."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class V1:
    """The original model, rebuilt charitably; its network and training are fixed."""

    max_windows: Count = 20_000
    """Training windows of all ordinary shares together, evenly thinned to this."""
    max_epochs: Count = 10
    """All of them are run: v1 validates nothing."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class V2:
    """The v2 network: stock-specific, regularised, on price levels."""

    lookback: Count = 60
    horizon: Count = 1
    units: Count = 50
    dense_units: Count = 25
    dropout: Fraction = 0.3
    dense_dropout: Fraction = 0.2
    l2: Annotated[float, Field(ge=0)] = 0.01


@dataclass(frozen=True, kw_only=True, config=FORBID)
class V2Delay1:
    """The declared variant of v2 that aims at the return it is dealt by."""

    trained: bool = False
    """A network more for every stock and year; its two rules count as trials."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Training:
    """How one network is fitted."""

    batch_size: Count = 32
    max_epochs: Count = 25
    learning_rate: Positive = 1e-3
    stopping_patience: Count = 10
    plateau_patience: Count = 5
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    min_learning_rate: Positive = 1e-5
    decays: bool = False
    """The learning rate falls evenly, step by step, to 0 after the last epoch."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes of one thread each; 0 means one per core. Never changes a result."""
    engine: Literal["local", "dask"] = "local"
    """Who fits: processes of this machine or a cluster's workers; the same bytes."""
    scheduler: str = ""
    """Of the cluster, such as ``tcp://10.0.0.1:8786``."""
    store: str = ""
    """A folder or fsspec URL that cluster and client share: windows in, bundles out."""

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
    """The monthly universe that rank IC is measured on, and who is ranked in it."""

    size: Annotated[int, Field(ge=2)] = 25
    """Ordinary shares with the highest trailing median turnover, each month anew."""
    liquidity_sessions: Count = 120
    min_traded_share: Fraction = 0.60
    horizons: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 5, 10)
    """Sessions from entry to target; the entry is a session after the origin."""
    purge: Annotated[int, Field(ge=0)] = 5
    """Sessions left out before a fold, beside delay and horizon."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Tabular:
    """Ridge and boosted trees on the features of the cross-section.

    Chosen by rank IC on 2015 and 2016 of the exchange's files, and kept since.
    """

    first_year: int = 2017
    """First year that is forecast; every year trains on all before it."""
    ridge_alpha: Positive = 1000.0
    """On features in [-1/2, 1/2]; about 10^5 rows."""
    stock_ridge_alpha: Positive = 100.0
    min_stock_rows: Count = 100
    """A stock with fewer training rows has no ridge of its own."""
    boosting_rounds: Count = 200
    learning_rate: Positive = 0.03
    max_leaves: Annotated[int, Field(ge=2)] = 8
    min_leaf_rows: Count = 500
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the features that a split may choose from, drawn anew each time."""
    leaf_l2: Annotated[float, Field(ge=0)] = 10.0


@dataclass(frozen=True, kw_only=True, config=FORBID)
class RankLstm:
    """The rank LSTM network: one LSTM of all shares and horizons, the last session beside it.

    Chosen by rank IC on 2015 and 2016 of the exchange's files, before any year that is
    judged, and on simulated markets; ``docs/forecasters.md`` counts what was looked at.
    A penalty
    is the weight of the squared weights beside the squared errors' sum, as in a ridge:
    what it says of a weight is worth as many windows however many there are.
    """

    first_year: int = 2017
    """First year that is forecast; not before the tabular models'."""
    n_seeds: Count = 1
    """Networks a year; what is forecast is their mean."""
    lookback: Count = 20
    units: Count = 16
    """Of the LSTM."""
    penalty: Annotated[float, Field(ge=0)] = 100.0
    """On both kernels of the LSTM."""
    deep_units: Count = 64
    """Of the rectified layer on the last session."""
    deep_penalty: Annotated[float, Field(ge=0)] = 30.0
    wide_penalty: Annotated[float, Field(ge=0)] = 3000.0
    """On what is linear in the last session."""
    dropout: Fraction = 0.5
    """Of the LSTM's state and of the rectified layer."""
    distilled_share: Fraction = 0.5
    """Share of what it aims at that boosted trees forecast (``models.distillation``), the
    rest being what came."""
    distillation_folds: Annotated[int, Field(ge=2)] = 5
    """Parts of the training span; each is forecast by trees fitted on the others."""
    every: Count = 1
    """Trained on every so many of a share's windows."""
    learning_rate: Positive = 1e-3
    """At the first step; it falls evenly to 0."""
    batch_size: Count = 256
    max_epochs: Count = 4
    """All of them are run."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Portfolio:
    """The one account that deals the ensemble's ranking, declared beforehand."""

    n_names: Count = 8
    horizon: Count = 10
    """Sessions that the ranking looks ahead, of those of the cross-section."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Backtest:
    """Orders, costs and marks. Basis points are per side."""

    delay: Count = 1
    cost_bps: tuple[Annotated[int, Field(ge=0)], ...] = (0, 36, 66, 155, 212)
    headline_cost_bps: Annotated[int, Field(ge=0)] = 66
    limit: Positive = 0.095
    """A buy lapses at a session return of at least this, a sell at most minus it."""
    gate_multiple: Positive = 2.0
    """The cost-gate rule enters above this multiple of the cost, leaves below 0."""
    cash_rate: Annotated[float, Field(ge=0, lt=1)] = 0.085
    """Yearly simple yield of cash: an assumption, near the level of Kenya's bills."""
    sessions_per_year: Count = 250
    suspension_haircut: Fraction = 0.30
    """Taken off the last price while a held stock is suspended."""
    dividend_band: tuple[Fraction, Fraction] = (0.05, 0.08)
    """Yearly yield that price-only returns leave out for a holder."""
    capital_kes: Positive = 10_000_000.0
    """Of the account in whole lots; the headline account has none and deals any share
    of itself."""
    max_volume_share: Annotated[float, Field(gt=0, le=1)] = 0.10
    """Of a session's volume, the most that one order takes."""
    board_lot: Count = 100
    """Shares; an order is of whole lots."""
    board_lot_until: date = date(2025, 7, 31)
    """Last session of board lots; single shares are dealt after it."""
    capacity_kes: Annotated[tuple[Positive, ...], Field(min_length=1)] = (
        *(1e5, 1e6, 1e7),
        *(1e8, 1e9),
    )
    """Capitals at which the declared strategy is dealt in lots."""
    n_starts: Count = 20
    """Sessions, one after the other, on which an account is opened: a month."""

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
    """The declared strategy that the verdict is about, and how luck is measured."""

    model: Name = "v2"
    rule: Literal["sign", "gate"] = "gate"
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    bootstrap_reps: Count = 2000
    bootstrap_block: Count = 10
    """Mean block length of the stationary bootstrap, sessions."""
    min_deflated_sharpe: Fraction = 0.95
    random_draws: Count = 200
    """Random accounts with the declared model's turnover and exposure."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Review:
    """When unexplained price jumps stop a new file; never changes a result."""

    accepted: str = "data/accepted_jumps"
    """Folder of the accepted lists, ``<market>.csv``, from the project's root."""
    max_new_jumps: Annotated[int, Field(ge=0)] = 0
    """`nse-lstm review` fails above this number of jumps on no list."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Ablation:
    """How thoroughly v2's changes are tried alone and removed, on the last year."""

    n_seeds: Annotated[int, Field(ge=2)] = 5
    n_stocks: Count = 2
    """The first of those recommended for the year."""
    max_epochs: Count = 15
    """With early stopping; without it v1's, if they are fewer."""
    max_windows: Count = 1000
    """Training windows of a stock, evenly thinned to this."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Search:
    """Budget of the search for better settings, before every walk-forward year."""

    n_trials: Count = 20
    """Settings tried a forecaster, the study's own first; given-up ones count."""
    rank_lstm_trials: Count = 20
    """The same for the rank LSTM, whose trials take some ten times as long."""
    seed: Annotated[int, Field(ge=0)] = 1
    n_years: Count = 2
    """Years scored: the last ones before the first that is walked forward."""


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Deployment:
    """When a model may serve, and when a forecast is doubted; trains nothing anew."""

    max_panel_age: Count = 5
    """Weekdays from the last session to the day of scoring; more are a stale panel."""
    on_stale_panel: Literal["refuse", "flag"] = "refuse"
    max_model_age: Count = 270
    """Weekdays from the last session a model was fitted on to the origin: a year, and
    some days to train anew in."""
    on_stale_model: Literal["refuse", "flag"] = "flag"
    range_margin: Annotated[float, Field(ge=0)] = 0.25
    """Prices further than this share of the trained range beyond it are outside."""
    on_outside_range: Literal["refuse", "flag"] = "flag"
    min_sessions: Count = 60
    """Sessions that the gate compares a model with the champion on, at least."""
    coverage: tuple[Fraction, Fraction] = (0.85, 0.95)
    """What the intervals of nine in ten must have held for the gate."""

    @model_validator(mode="after")
    def _coverage_in_order(self) -> "Deployment":
        if self.coverage[0] > self.coverage[1]:
            raise ValueError(f"expected a band of coverage. Received: {self.coverage}")
        return self


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Study:
    """Everything that can change a number, for one market."""

    market: Market
    test_year: Annotated[int, Field(ge=0)] = 0
    """0 means the last calendar year in the data."""
    seed: Annotated[int, Field(ge=0)] = 1
    simulation: Simulation = field(default_factory=Simulation)
    universe: Universe = field(default_factory=Universe)
    folds: Folds = field(default_factory=Folds)
    v1: V1 = field(default_factory=V1)
    v2: V2 = field(default_factory=V2)
    v2_delay1: V2Delay1 = field(default_factory=V2Delay1)
    training: Training = field(default_factory=Training)
    cross_section: CrossSection = field(default_factory=CrossSection)
    tabular: Tabular = field(default_factory=Tabular)
    rank_lstm: RankLstm = field(default_factory=RankLstm)
    portfolio: Portfolio = field(default_factory=Portfolio)
    backtest: Backtest = field(default_factory=Backtest)
    verdict: Verdict = field(default_factory=Verdict)
    review: Review = field(default_factory=Review)
    ablation: Ablation = field(default_factory=Ablation)
    search: Search = field(default_factory=Search)
    deployment: Deployment = field(default_factory=Deployment)
