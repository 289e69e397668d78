"""Results of the laboratory: one run, or several with their spread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.strategies import FORECAST_RULES, HOLD
from nse_lstm.models.jobs import TrainedModel
from nse_lstm.paths import write_aside
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import Html, bullets, picture, show_table
from nse_lstm.reporting.figures import draw_training_curves
from nse_lstm.reporting.laboratory_figures import draw_run
from nse_lstm.study.laboratory.task import Fitted

SHOWN = [
    *("skill", "mase", "directional_accuracy", "mape", "r_squared"),
    *("net_return", "sharpe_over_cash", "max_drawdown", "turnover", "exposure"),
]
"""Scores of a run that a notebook shows. ``scores`` has all."""
NO_PROFIT = "This is accuracy, not profit: the price is known only after the close."


@dataclass(frozen=True)
class Account:
    """The declared account of a run: rule and cost per side."""

    rule: str
    cost_bps: int


@dataclass(frozen=True)
class Record:
    """State of the ledgers after a run."""

    counted: bool
    """Whether the study is judged on the year."""
    n_evaluations: int
    """Distinct runs evaluated on the year, this one included."""
    n_recorded: int
    """Trials that this run added."""
    n_trials: int
    """Trials in the ledger."""

    def sentence(self, year: int) -> str:
        """Say what was recorded.

        Parameters
        ----------
        year : int
            Of the run.
        """
        first = f"Evaluation {self.n_evaluations} of {year}"
        if not self.counted:
            return f"{first}, a free year: no trial was recorded."
        new = f"{self.n_recorded} trial{'s' * (self.n_recorded != 1)}"
        said = f"recorded {new}" if self.n_recorded else "were recorded before"
        return (
            f"{first}, a counted year: its strategies {said}. The ledger of trials "
            f"now holds {self.n_trials}."
        )


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """Result of a finished run, shown by its summary, picture and scores."""

    ticker: str
    year: int
    name: str
    """The model's name in the tables."""
    settings: Mapping[str, Any]
    fitted: Fitted
    forecasts: pd.DataFrame
    """``FORECASTS`` of the model and the baselines with the realised ``y``, ``level``
    and ``last_price``."""
    returns: pd.DataFrame
    """``STRATEGY_RETURNS`` of every rule and cost."""
    score_rows: pd.DataFrame
    """``SCORES`` of the stock, every rule and cost."""
    scores: pd.DataFrame
    """One row per metric and one column per model, the run's own first. Accounts
    follow the declared rule at the headline cost."""
    account: Account
    record: Record

    @property
    def model(self) -> TrainedModel:
        """The fitted model: its folder, epochs, losses, seed and version."""
        return self.fitted.model

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return self.fitted.n_parameters

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch: losses and learning rate."""
        return self.fitted.history

    @property
    def n_evaluations(self) -> int:
        """Distinct runs evaluated on this year, this one included."""
        return self.record.n_evaluations

    @property
    def summary(self) -> list[str]:
        """Five sentences: task, error, direction, account, and what was recorded."""
        own = self.scores[self.name]
        rows = self.forecasts[self.forecasts["model"] == self.name]
        given = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return [
            f"{self.ticker} {self.year}, {NAMES.get(self.name, self.name)} "
            f"({given or 'the settings of the study'}, seed {self.model.seed}): "
            f"trained on targets before {self.year}, {len(rows)} forecasts of the "
            "next session.",
            self._error(float(own["skill"])),
            f"Direction right in {own['directional_accuracy']:.1%} of the sessions "
            f"where price and forecast moved. {NO_PROFIT}",
            self._earned(own),
            self.record.sentence(self.year),
        ]

    def plot(self) -> Html:
        """Show the year's forecasts and their errors against persistence."""
        figure = draw_run(self.forecasts, ticker=self.ticker, model=self.name)
        return picture(
            figure,
            alt=f"{self.ticker} in {self.year}: printed price and the forecast of "
            f"{self.name}; below, squared errors saved against persistence so far.",
        )

    def plot_training(self) -> Html:
        """Show the training and validation loss by epoch."""
        best = self.model.best_epoch
        figure = draw_training_curves(
            self.history, best_epoch=best, model=self.name, loss=self.fitted.loss
        )
        return picture(
            figure,
            alt=f"Loss of {self.name} for {self.ticker} by epoch; the weights of epoch "
            f"{best} of {self.model.epochs} were kept.",
        )

    def equity(self, *, rule: str = "", cost_bps: int = -1) -> pd.DataFrame:
        """Return the value of one shilling by session, after costs.

        Parameters
        ----------
        rule : str
            Rule that turns forecasts into trades; the declared one if empty.
        cost_bps : int
            Cost per side in basis points; the headline cost if below 0.

        Returns
        -------
        DataFrame
            By session: one column per model, the run's own first, buy and hold last.
        """
        rule = rule or self.account.rule
        cost = self.account.cost_bps if cost_bps < 0 else cost_bps
        costs = sorted(set(self.returns["cost_bps"]))
        if rule not in FORECAST_RULES or cost not in costs:
            raise ConfigurationError(
                f"`rule` must be of {', '.join(FORECAST_RULES)} and `cost_bps` of "
                f"{', '.join(map(str, costs))}. Received: {rule!r} and {cost}"
            )
        rows = self.returns[
            (self.returns["ticker"] == self.ticker)
            & (self.returns["cost_bps"] == cost)
            & self.returns["rule"].isin([rule, "hold"])
        ]
        wide = rows.pivot(index="session", columns="model", values="net_return")
        order = [name for name in self.scores.columns if name in wide and name != HOLD]
        return (1 + wide[[*order, HOLD]]).cumprod().rename_axis(columns=None)

    def export(self, path: Path | str) -> Path:
        """Write the forecasts as CSV in the shape that `nse-lstm judge` reads.

        Parameters
        ----------
        path : Path or str
            Of the file, which is written whole.

        Returns
        -------
        Path
            Of the file: ``unique_id ds cutoff y`` and one column of the model's name.
        """
        own = self.forecasts[self.forecasts["model"] == self.name]
        table = pd.DataFrame(
            {
                "unique_id": own["ticker"],
                "ds": own["target_date"].dt.strftime("%Y-%m-%d"),
                "cutoff": own["origin"].dt.strftime("%Y-%m-%d"),
                "y": own["level"],
                self.name: own["price_hat"],
            }
        )
        target = Path(path).resolve()
        with write_aside(target) as aside:
            table.to_csv(aside, index=False, lineterminator="\n")
        return target

    def __repr__(self) -> str:
        return "\n".join([*self.summary, *self.fitted.notes])

    def _error(self, skill: float) -> str:
        side = "below" if skill >= 0 else "above"
        return (
            f"Skill {skill:+.3f}: its squared error is {abs(skill):.1%} {side} that of "
            "the forecast \"tomorrow's price is today's\"."
        )

    def _earned(self, own: "pd.Series[float]") -> str:
        how = f"by the rule {self.account.rule} at {self.account.cost_bps} bps per side"
        held = self.scores[HOLD]["net_return"]
        if not own["turnover"]:
            return f"It never traded {how}. Buy and hold returned {held:+.1%}."
        return (
            f"Traded one session later {how}: net return {own['net_return']:+.1%}, "
            f"buy and hold {held:+.1%}."
        )

    def _repr_html_(self) -> str:
        caption = (
            f"{self.n_parameters:,} parameters, epoch {self.model.best_epoch} of "
            f"{self.model.epochs} kept. {NO_PROFIT}"
        )
        models = self.scores.loc[SHOWN].T
        models.insert(0, "model", [NAMES.get(name, name) for name in models.index])
        parts = (
            self.plot(),
            bullets(*self.summary, *self.fitted.notes),
            show_table(models, caption=caption),
        )
        return "\n".join(part.html for part in parts)


class Runs(Sequence[Run]):
    """Several runs: of stocks, models, years, seeds or settings.

    Parameters
    ----------
    runs : sequence of Run
        At least one.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, place: int) -> Run: ...

    @overload
    def __getitem__(self, place: slice) -> "Runs": ...

    def __getitem__(self, place: int | slice) -> "Run | Runs":
        if isinstance(place, slice):
            return Runs(self._runs[place])
        return self._runs[place]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per run: stock, year, model, settings, seed, and its scores."""
        rows = [
            {**_key(run), "seed": run.model.seed, **run.scores[run.name][SHOWN]}
            for run in self
        ]
        return pd.DataFrame(rows)

    @property
    def spread(self) -> pd.DataFrame:
        """Skill over the seeds: its mean, standard deviation, lowest and highest.

        One row per stock, year, model and settings. One seed has no deviation.
        """
        key = list(_key(self._runs[0]))
        found = self.scores.groupby(key, sort=False)["skill"]
        return found.agg(
            n_seeds="size", skill="mean", deviation="std", lowest="min", highest="max"
        ).reset_index()

    @property
    def summary(self) -> list[str]:
        """One sentence per group of seeds, and what was recorded."""
        lines = [
            f"{row['ticker']} {row['year']}, {row['model']}"
            f"{' (' + row['settings'] + ')' if row['settings'] else ''}: skill "
            f"{row['skill']:+.3f}"
            + (
                f", {row['lowest']:+.3f} to {row['highest']:+.3f} over "
                f"{row['n_seeds']} seeds"
                if row["n_seeds"] > 1
                else ""
            )
            + "."
            for row in self.spread.to_dict("records")
        ]
        recorded = sum(run.record.n_recorded for run in self)
        counted = sorted({run.year for run in self if run.record.counted})
        said = (
            f"{recorded} trials were recorded for {', '.join(map(str, counted))}. The "
            f"ledger holds {max(run.record.n_trials for run in self)}."
            if counted
            else "All years are free: no trial was recorded."
        )
        return [*lines, NO_PROFIT, said]

    def __repr__(self) -> str:
        return "\n".join(self.summary)

    def _repr_html_(self) -> str:
        shown = (bullets(*self.summary), show_table(self.scores))
        return "\n".join(part.html for part in shown)


def _key(run: Run) -> dict[str, Any]:
    settings = ", ".join(f"{name}={value}" for name, value in run.settings.items())
    return {
        "ticker": run.ticker,
        "year": run.year,
        "model": run.name,
        "settings": settings,
    }
