"""Model selection per stock by the one-standard-error rule, on walk-forward years."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.evaluation.scoring import realised

FALLBACK = "persistence"
"""The simplest model, and the one that serves where nothing else may."""


def select(
    forecasts: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    tickers: list[str],
    network: str = "v2",
) -> pd.DataFrame:
    """Choose each stock's champion and challenger by the one-standard-error rule.

    The candidates are persistence and one network. The loss is the squared error of
    the log return, averaged over the origins that both have and over seeds. The
    champion is the simplest candidate whose mean loss lies within one standard error,
    of the paired difference, of the best.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of walk-forward folds only: the caller excludes the test year. A
        candidate with a missing ``y_hat`` (a price forecast that is not positive) is
        disqualified for that stock. Other models are ignored.
    panel : DataFrame
        ``PANEL``.
    tickers : list of str
        Stocks to choose for; one without forecasts gets ``persistence``.
    network : str
        The model that could be served instead of persistence.

    Returns
    -------
    DataFrame
        One row per ticker, in the order given: ``champion``; ``challenger`` (the
        other candidate, missing if it is not qualified); ``loss_champion``,
        ``loss_network`` (mean squared log-return errors, missing if not scored);
        ``difference`` (challenger minus champion: positive favours the champion) with
        its ``standard_error``; ``n`` origins; ``reason`` in words.

    References
    ----------
    .. [1] L. Breiman et al. (1984). Classification and regression trees, section 3.4.3
       (the one-standard-error rule).
    """
    scored = realised(forecasts, panel)
    scored = scored[scored["model"].isin([FALLBACK, network])]
    scored = scored.assign(loss=(scored["y"] - scored["y_hat"]) ** 2)
    blocks = dict(iter(scored.groupby("ticker")))
    return pd.DataFrame(
        [_choose(ticker, blocks.get(ticker, scored[:0]), network) for ticker in tickers]
    )


@dataclass(frozen=True)
class _Difference:
    """Mean paired difference of losses with its standard error."""

    mean: float
    standard_error: float


def _choose(ticker: str, scored: pd.DataFrame, network: str) -> dict[str, object]:
    losses, disqualified = _paired_losses(scored, [FALLBACK, network])
    if losses.empty:
        why = _unscored(disqualified)
        return _row(ticker, FALLBACK, None, losses, why, network)
    means = losses.mean()
    best = str(means.idxmin())  # on a tie the simplest, columns being in that order
    gaps = {name: _difference(losses, str(name), best) for name in losses.columns}
    champion = next(
        str(name) for name, gap in gaps.items() if gap.mean <= gap.standard_error
    )
    rest = means.drop(champion)
    challenger = None if rest.empty else str(rest.idxmin())
    reason = _reason(champion, best, means, gaps[champion], len(losses))
    why = reason + _out(disqualified)
    return _row(ticker, champion, challenger, losses, why, network)


def _paired_losses(
    scored: pd.DataFrame, candidates: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return losses by origin and qualified candidate, and the disqualified ones."""
    missing = scored.loc[scored["y_hat"].isna(), "model"].unique()
    disqualified = [name for name in candidates if name in missing]
    wide = scored.pivot_table(index="origin", columns="model", values="loss")
    present = [n for n in candidates if n in wide.columns and n not in disqualified]
    return wide[present].dropna(), disqualified


def _difference(losses: pd.DataFrame, name: str, base: str) -> _Difference:
    paired = losses[name] - losses[base]
    error = paired.std(ddof=1) / np.sqrt(len(paired)) if len(paired) > 1 else 0.0
    return _Difference(float(paired.mean()), float(error))


def _reason(
    champion: str, best: str, means: pd.Series, gap: _Difference, n: int
) -> str:
    lead = (
        f"{best} has the smallest root mean squared error, {means[best] ** 0.5:.5f}, "
        f"over {n} "
    )
    if champion == best:
        others = ", ".join(f"{k} {v**0.5:.5f}" for k, v in means.items() if k != best)
        simpler = best != FALLBACK
        tail = ", and no simpler model is within one standard error" if simpler else ""
        return lead + f"sessions{f' ({others})' if others else ''}{tail}."
    return lead + (
        f"sessions, but {champion} is simpler and its mean squared error only "
        f"{gap.mean / means[best]:.2%} larger, within one standard error "
        f"({gap.standard_error / means[best]:.2%})."
    )


def _out(disqualified: list[str]) -> str:
    if not disqualified:
        return ""
    return f" Excluded for a price forecast not above 0: {', '.join(disqualified)}."


def _unscored(disqualified: list[str]) -> str:
    return f"No scored walk-forward forecast, so {FALLBACK}." + _out(disqualified)


def _row(
    ticker: str,
    champion: str,
    challenger: str | None,
    losses: pd.DataFrame,
    reason: str,
    network: str,
) -> dict[str, object]:
    means = losses.mean()
    gap = _Difference(np.nan, np.nan)
    if challenger is not None:
        gap = _difference(losses, challenger, champion)
    return {
        "ticker": ticker,
        "champion": champion,
        "challenger": challenger,
        "loss_champion": float(means.get(champion, np.nan)),
        "loss_network": float(means.get(network, np.nan)),
        "difference": gap.mean,
        "standard_error": gap.standard_error,
        "n": len(losses),
        "reason": reason,
    }
