"""The table of every test, on the walk-forward years of a study."""

import pandas as pd

from nse_lstm.evaluation.averaging import now_and_later
from nse_lstm.evaluation.evidence import collect_evidence, trial_matrix
from nse_lstm.evaluation.scoring import realised
from nse_lstm.evaluation.verdict import pooled_excess
from nse_lstm.study.inputs import read_sealed_panel
from nse_lstm.study.trials import read_trials
from nse_lstm.study.workspace import Workspace

__all__ = ["gather_evidence"]


def gather_evidence(
    workspace: Workspace, forecasts: pd.DataFrame, returns: pd.DataFrame
) -> pd.DataFrame:
    """Test the forecasts and the declared strategy; the test year stays sealed.

    Parameters
    ----------
    forecasts : DataFrame
        FORECASTS of the walk-forward years; those of the next session's price (delay 0,
        horizon 1) are tested.
    returns : DataFrame
        STRATEGY_RETURNS of the same years, recorded in the ledger of trials.

    Returns
    -------
    DataFrame
        EVIDENCE.
    """
    study, panel = workspace.study, read_sealed_panel(workspace)
    aimed = forecasts[(forecasts["delay"] == 0) & (forecasts["horizon"] == 1)]
    at_headline = returns[returns["cost_bps"] == study.dealing.headline_cost_bps]
    declared = at_headline[
        (at_headline["model"] == study.verdict.model)
        & (at_headline["rule"] == study.verdict.rule)
    ]
    return collect_evidence(
        realised(aimed, panel),
        both=now_and_later(aimed, panel),
        excess=pooled_excess(declared),
        trials=trial_matrix(at_headline),
        trial_sharpes=read_trials(workspace)["sharpe"],
        verdict=study.verdict,
        sessions_per_year=study.dealing.sessions_per_year,
        seed=study.seed,
    )
