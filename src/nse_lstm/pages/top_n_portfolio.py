"""What Phase 2 says of the portfolio that follows the ensemble's ranking."""

import pandas as pd

from nse_lstm.pages.score_tables import interval_words
from nse_lstm.study.ranking.top_n_portfolio import NetResult


def net_table(result: NetResult) -> pd.DataFrame:
    """Lay the result out, one row a cost level."""
    rows = [
        {
            "cost a side, bps": str(cost_bps),
            "exposure": judged.exposure,
            "sharpe_over_cash": judged.sharpe_over_cash,
            "over cash a year": interval_words(judged.excess_over_cash),
            "over equal weight, same exposure": interval_words(
                judged.excess_over_holding
            ),
        }
        for cost_bps, judged in result.judgements.items()
    ]
    return pd.DataFrame(rows)


def net_findings(result: NetResult, *, cost_bps: int) -> str:
    """Say what is left at one cost level, and that it was counted."""
    judged = result.judgements[cost_bps]
    return (
        f"At {cost_bps} basis points a side the ensemble's first names earned "
        f"{interval_words(judged.excess_over_cash)} a year over cash, and "
        f"{interval_words(judged.excess_over_holding)} over equal weight at the same "
        f"exposure, with {judged.exposure:.0%} of the money invested. "
        f"{_counted(judged.exposure)} The verdict stays with the strategy "
        "that was declared for it."
    )


def _counted(exposure: float) -> str:
    if not exposure:
        return "What never dealt is no trial of the ledger."
    return "It is one of the trials that Phase 4 counts."
