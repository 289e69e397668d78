"""The inputs of advice on orders, read from disk without fitting a model.

The service uses it as it is: it answers where the ranking of the panel's last session
was scored, and says what to do where it was not.
"""

import pandas as pd

from nse_lstm.data.trading_days import trading_days_of
from nse_lstm.deployment.order_advice import AdviceBasis
from nse_lstm.deployment.staleness import panel_digest, panel_flags
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.features.returns import market_sessions
from nse_lstm.json_files import read_json
from nse_lstm.study.core.versioned_folder import ABOUT, FILE
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import FORECASTS, ORDER_SAVINGS, read_table

ADVISER = "ensemble_equal"
"""The ranking that orders are timed by: the declared one."""
PANEL_DIGEST = "panel"
"""In the metadata of the last session's ranking: ``panel_digest`` of its panel."""


def make_basis(
    workspace: Workspace,
    panel: pd.DataFrame,
    ranks: pd.DataFrame,
    *,
    as_of: pd.Timestamp | None = None,
) -> AdviceBasis:
    """Put the last session's ranking beside the measured savings.

    Parameters
    ----------
    workspace : Workspace
        After Phase 4.
    panel : DataFrame
        ``PANEL`` through the last session.
    ranks : DataFrame
        ``FORECASTS`` of that session.
    as_of : Timestamp, optional
        Today. Advice holds for the next session alone, so it is refused after it.

    Raises
    ------
    ArtefactError
        If Phase 4 could time no order.
    DataError
        If the data are stale.
    """
    study = workspace.study
    savings = read_table(ORDER_SAVINGS, workspace.paths.order_savings)
    if savings.empty:
        raise ArtefactError(
            "Expected measured savings of timed orders. Received: none; Phase 4 could "
            "time no order on this market"
        )
    origin = market_sessions(panel)[-1]
    own = ranks[(ranks["model"] == ADVISER) & (ranks["horizon"] == 1)]
    listed = panel[(panel["kind"] == "ordinary") & (panel["session"] == origin)]
    basis = AdviceBasis(
        forecasts=dict(zip(own["ticker"], own["y_hat"], strict=True)),
        savings=savings,
        model=ADVISER,
        origin=origin.date(),
        calendar=trading_days_of(study.market),
        listed=frozenset(listed["ticker"]),
        suspended=frozenset(listed.loc[listed["suspended"], "ticker"]),
    )
    panel_flags(origin, as_of or origin, study.deployment)
    if as_of is not None and as_of.date() > basis.first:
        raise DataError(
            f"Expected data through the session before {as_of.date()}, since advice "
            f"holds for one session. Received: a last session of {origin.date()}, "
            f"whose advice was for {basis.first}"
        )
    return basis


def stored_basis(workspace: Workspace, panel: pd.DataFrame) -> AdviceBasis:
    """Read the basis that the last scoring left, without fitting anything.

    Parameters
    ----------
    workspace : Workspace
    panel : DataFrame
        ``PANEL`` through the last session.

    Raises
    ------
    ArtefactError
        If there is none of this panel, or Phase 4 could time no order.
    """
    folder = workspace.paths.latest_ranking
    known = (folder / ABOUT).is_file() and read_json(folder / ABOUT)
    if not known or known.get(PANEL_DIGEST) != panel_digest(panel):
        raise ArtefactError(
            "Expected the ranking of the panel's last session. Received: none, or one "
            "of other data; run `nse-lstm score`"
        )
    return make_basis(workspace, panel, read_table(FORECASTS, folder / FILE))
