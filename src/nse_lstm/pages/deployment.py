"""Tables and sentences of notebook 05: the registry and the replayed year."""

import numpy as np
import pandas as pd

from nse_lstm.deployment.monitoring import alarm_table
from nse_lstm.deployment.order_advice import SEND, WAIT
from nse_lstm.deployment.registry_entry import CHAMPION
from nse_lstm.deployment.registry_files import LATEST_QUANTILES
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.evaluation.e_process import PROMOTE_AT
from nse_lstm.pages.phrases import selection_phrase
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.display import Html, bullets, sentence, show_table
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.advise import advise_on_all
from nse_lstm.study.deployment.deploy import DeploymentResult
from nse_lstm.study.deployment.replay import Replay
from nse_lstm.tables import NEXT_QUANTILES, read_table

BEST_FIRST = (CHAMPION, "candidate", "challenger")
"""Stages: the one in use, the tested one, the refit that nothing has tested."""


def plan_table(found: Replay) -> pd.DataFrame:
    """Return the power of each shadow test, one row per test and assumed edge.

    The columns hold the fraction of tests that would promote, by length in sessions,
    then the mean number of sessions until a decision, at most the longest.
    """
    if found.plan.empty:
        return pd.DataFrame(columns=["test", "edge"])
    key = ["test", "edge"]
    wide = found.plan.pivot(index=key, columns="sessions", values="promoted")
    shares = wide.map("{:.1%}".format).rename(columns="by session {}".format)
    last = found.plan.groupby(key)["expected_sessions"].last()
    return shares.assign(sessions_on_average=last.round()).reset_index()


def state_table(found: Replay) -> pd.DataFrame:
    """Return the state of each shadow test at the year's end, one row per test."""
    last = found.tests.groupby("test").tail(1)
    largest = found.tests.groupby("test")["evidence"].max()
    return pd.DataFrame(
        {
            "test": last["test"],
            "sessions": found.tests.groupby("test").size()[last["test"]].to_numpy(),
            "mean_gain": last["mean"],
            "at_least": last["lower"],
            "at_most": last["upper"],
            "evidence": last["evidence"],
            "largest_evidence": largest[last["test"]].to_numpy(),
            "stocks_served": last["exposure"].map("{:.0%}".format),
        }
    ).reset_index(drop=True)


def alarm_counts(found: Replay) -> pd.DataFrame:
    """Return every alarm: what it watches, how often it rang and what to do."""
    rang = found.alerts.groupby("alarm")
    counts, days = rang.size(), rang["session"].nunique()
    table = alarm_table()
    table.insert(2, "rang", table["alarm"].map(counts).fillna(0).astype("int64"))
    table.insert(3, "days", table["alarm"].map(days).fillna(0).astype("int64"))
    return table


def next_ranges(workspace: Workspace) -> pd.DataFrame:
    """Return the price ranges of the sessions to come, of each stock's best stage.

    Parameters
    ----------
    workspace : Workspace
        After ``forecast_next``. A stock without a stock LSTM has no row.
    """
    path = workspace.paths.registry / LATEST_QUANTILES
    table = read_table(NEXT_QUANTILES, path)
    rank = table["stage"].map({stage: place for place, stage in enumerate(BEST_FIRST)})
    ordered = table.assign(rank=rank).sort_values(["ticker", "rank", "horizon"])
    best = ordered.groupby("ticker")["rank"].transform("min")
    rows = ordered[ordered["rank"] == best]
    price = {
        name: rows["last_price"] * np.exp(rows[column])
        for name, column in (("5 %", "q050"), ("median", "q500"), ("95 %", "q950"))
    }
    return pd.DataFrame(
        {
            "ticker": rows["ticker"],
            "stage": rows["stage"],
            "sessions ahead": rows["horizon"].astype(str),
            "target_date": rows["target_date"],
            "last price, KES": rows["last_price"].map("{:,.2f}".format),
            **{f"{name}, KES": price[name].map("{:,.2f}".format) for name in price},
            "unchanged": rows["unchanged"].map("{:.0%}".format),
        }
    ).reset_index(drop=True)


def order_advice(workspace: Workspace) -> Html:
    """Show for a buyer and a seller of each stock whether an order should wait.

    Parameters
    ----------
    workspace : Workspace
        After ``deploy``. Without a ranking, or without measured savings, the reason is
        shown.
    """
    try:
        found = advise_on_all(workspace, progress=lambda _: None)
    except (ArtefactError, DataError):
        return sentence(
            "There is no advice on orders: this market has no ranking, or no savings "
            "of timed orders were measured on it."
        )
    table = show_table(advice_table(found.table), caption="Longest wait: 10 sessions")
    return Html(table.html + bullets(*found.words).html)


def advice_table(advice: pd.DataFrame) -> pd.DataFrame:
    """Return one row per stock: the forecast, and the advice to buyer and seller.

    Parameters
    ----------
    advice : DataFrame
        From ``order_advice.advise_orders``, with one order per stock and side.
    """
    by_side = advice.set_index(["ticker", "side"])
    saved = by_side["saving_bps"].map("{:.0f} bps".format)
    said = by_side["advice"].where(
        by_side["advice"] == SEND, WAIT + " (saves " + saved + " on average)"
    )
    wide = said.unstack("side")
    forecast = by_side["forecast_bps"].groupby(level="ticker").first()
    return pd.DataFrame(
        {
            "ticker": wide.index,
            "forecast beyond the market, bps": forecast.map("{:+.0f}".format),
            "a buyer": wide["buy"],
            "a seller": wide["sell"],
        }
    ).reset_index(drop=True)


def replay_findings(found: Replay) -> tuple[str, str]:
    """Summarise a replayed year: the shadow tests and the alarms."""
    states = state_table(found)
    evidence = states.set_index("test")["evidence"]
    ends = ", ".join(
        f"{name_of(test)} at {value:.2g}" for test, value in evidence.items()
    )
    n_promoted = int((found.promotions["event"] == "promoted").sum())
    stock_years = found.forecasts["ticker"].nunique()
    days = found.alerts["session"].nunique()
    return (
        f"In daily operation the evidence of {len(states)} shadow tests ends "
        f"{found.year} with {ends}. A promotion needs {PROMOTE_AT:.0f}, and "
        f"{n_promoted or 'none'} reached it.",
        f"{len(found.alerts)} alarms would have rung on {days} of {found.n_sessions} "
        f"sessions, for {stock_years} stocks. In a year like those before, about "
        f"{stock_years} would ring by chance.",
    )


def deployment_findings(deployment: DeploymentResult, replayed: Replay) -> Html:
    """Summarise Phase 5: models in use, reproduced forecasts, replayed year.

    Parameters
    ----------
    deployment : Deployment
    replayed : Replay
        Of the test year.
    """
    champions = deployment.registry[deployment.registry["stage"] == "champion"]
    reproduced = deployment.reproduced
    return bullets(
        f"Models in use for {len(champions)} stocks: "
        f"{selection_phrase(champions['model'])}.",
        f"Reloaded from disk, the models reproduce {reproduced['n_equal'].sum():,} of "
        f"{reproduced['n_forecasts'].sum():,} test-year forecasts to the bit. "
        f"{len(deployment.forecasts)} forecasts were made for the next session and "
        f"{len(deployment.refused)} refused.",
        *replay_findings(replayed),
    )
