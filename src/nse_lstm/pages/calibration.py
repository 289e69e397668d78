"""The calibration page: the verdict's false-positive rate and its power."""

from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.json_files import read_json
from nse_lstm.paths import write_aside, write_text
from nse_lstm.reporting.calibration_figures import draw_power
from nse_lstm.reporting.canvas import reading_of
from nse_lstm.reporting.format import format_number, typeset_minus
from nse_lstm.reporting.status import render_markdown
from nse_lstm.study.experiments.calibration.calibrate import claims_limit
from nse_lstm.study.experiments.calibration.counts import (
    ANSWERS,
    ANY,
    CLAIMS_DOCUMENT,
    DOCUMENT,
    calibration_counts,
    share_of,
)
from nse_lstm.study.experiments.calibration.market import (
    BEST_TRIAL,
    MODEL,
    N_WALK_FORWARD,
    ORACLE,
)

STRATEGIES = {
    MODEL: "the surrogate model",
    BEST_TRIAL: "the best trial, chosen afterwards",
    ORACLE: "the oracle, which knows the signal",
}
FIGURE = Path("docs/figures/power.png")


def write_calibration(root: Path, study: Study) -> Path:
    """Write the calibration page and its power curve from the committed counts.

    Parameters
    ----------
    root : Path
        The project's folder, with ``docs/calibration.json``.
    study : Study
        Whose verdict was calibrated.

    Returns
    -------
    Path
        Of the page, ``docs/calibration.md``.

    Raises
    ------
    ArtefactError
        If nothing was calibrated yet.
    """
    counts, document = calibration_counts(root), read_json(root / DOCUMENT)
    n_null, n_false = document["n_null"], len(document["false_yes"])
    points = power_points(counts)
    text = render_markdown(
        "calibration.md.j2",
        false_yes=n_false,
        n_null=n_null,
        limit=document["limit"],
        upper=f"{share_of(n_false, n_null)[1]:.1%}",
        null=answers_table(counts[counts["signal"] == 0]),
        power=answers_table(counts[counts["signal"] > 0]),
        own=own_ratio_words(counts),
        reading=_draw(points, root / FIGURE) if len(points) else "",
        confidence=f"{study.verdict.confidence:.0%}",
        cost_bps=document["headline_cost_bps"],
        years=N_WALK_FORWARD,
        **_claims(root),
    )
    path = (root / DOCUMENT).with_suffix(".md")
    write_text(path, text)
    return path


def _claims(root: Path) -> dict[str, Any]:
    """Return what the page says of the claims; None where they were not judged."""
    if not (root / CLAIMS_DOCUMENT).is_file():
        return {"claims": None}
    document = read_json(root / CLAIMS_DOCUMENT)
    counts, n = pd.DataFrame(document["counts"]), document["n_null"]
    of_any = counts[(counts["signal"] == 0) & (counts["claim"] == ANY)]
    n_yes = int(of_any["yes"].iloc[0])
    return {
        "claims": claims_table(counts),
        "claims_yes": n_yes,
        "claims_n": n,
        "claims_limit": claims_limit(n),
        "claims_upper": f"{share_of(n_yes, n)[1]:.1%}",
    }


def claims_table(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the claims' counts as a table of text.

    Parameters
    ----------
    counts : DataFrame
        ``count_claims``.
    """
    single = counts["claim"] != ANY
    return pd.DataFrame(
        {
            "planted signal": counts["signal"].map("{:g}".format),
            "claim": counts["claim"],
            "markets": counts["n"].astype(str),
            "mean effect": counts["effect"].map(lambda v: format_number(v, "+.3g")),
            "yes": counts["yes"].astype(str),
            **{
                name: counts[name].astype(str).where(single, "")
                for name in ("undecided", "no")
            },
            "share of yes, 95 % interval": [
                f"{row.lower:.1%} to {row.upper:.1%}" for row in counts.itertuples()
            ],
        }
    )


def own_ratio_words(counts: pd.DataFrame) -> str:
    """Say how the verdict changes with the strategy's own ratio in the variance.

    Parameters
    ----------
    counts : DataFrame
        ``count_answers``.
    """
    null = counts[counts["signal"] == 0]
    skilled = counts[(counts["signal"] > 0) & (counts["strategy"] == ORACLE)]
    without, within = (int(skilled[name].sum()) for name in ("yes", "yes_with_own"))
    words = (
        "The deflated Sharpe ratio compares a strategy with the best of all trials "
        "without skill. Its own ratio is left out of their variance. With planted "
        f"skill the oracle got {without} yes, and {within} with its own ratio in "
        f"the variance. Without skill all strategies got {int(null['yes'].sum())} yes, "
        f"and {int(null['yes_with_own'].sum())} with it."
    )
    if without > within and null["yes"].sum() <= null["yes_with_own"].sum():
        words += (
            " So it stays out: inside, more skill raises its own benchmark, and no "
            "false yes is avoided."
        )
    return words


def _draw(points: pd.DataFrame, path: Path) -> str:
    """Write the power curve as a picture; return what is read off it."""
    figure = draw_power(points)
    with write_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=130, metadata={"Software": None})
    return typeset_minus(reading_of(figure))


def answers_table(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the counts as a table of text, the oracle last.

    Parameters
    ----------
    counts : DataFrame
        ``count_answers``.
    """
    order = counts["strategy"].map(list(STRATEGIES).index)
    rows = counts.assign(order=order).sort_values(
        ["signal", "cost_bps", "order", "rule"], ascending=[True, False, True, True]
    )
    return pd.DataFrame(
        {
            "planted signal": rows["signal"].map("{:g}".format),
            "cost, bps per side": rows["cost_bps"].astype(str),
            "strategy": rows["strategy"].map(STRATEGIES),
            "rule": rows["rule"],
            "net Sharpe ratio": rows["sharpe"].map(_sharpe),
            "the oracle's": rows["oracle_sharpe"].map(_sharpe),
            "markets": rows["n"].astype(str),
            "markets with a trade": rows["n_traded"].astype(str),
            **{answer: rows[answer].astype(str) for answer in ANSWERS},
            "share of yes, 95 % interval": [
                f"{row.lower:.1%} to {row.upper:.1%}" for row in rows.itertuples()
            ],
            "yes, own ratio in the variance": rows["yes_with_own"].astype(str),
            "above cash": rows["above_cash"].astype(str),
            "above equal weight": rows["above_holding"].astype(str),
        }
    ).reset_index(drop=True)


def power_points(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the power curve, for ``draw_power``.

    Parameters
    ----------
    counts : DataFrame
        ``count_answers``.

    Returns
    -------
    DataFrame
        One row per planted signal, strategy and cost: ``strategy terms`` (words),
        ``skill`` (the oracle's mean net Sharpe ratio), ``share lower upper``
        (of yes). Where the oracle never traded no skill is known, and there is no row.
    """
    shown = counts[(counts["signal"] > 0) & counts["oracle_sharpe"].notna()]
    shown = shown[shown["strategy"].isin([ORACLE, MODEL])]
    order = ["strategy", "cost_bps", "rule", "oracle_sharpe"]
    shown = shown.sort_values(order)
    terms = [
        f"{cost_bps} bps, {rule}" if cost_bps else "free of costs"
        for cost_bps, rule in zip(shown["cost_bps"], shown["rule"], strict=True)
    ]
    return pd.DataFrame(
        {
            "strategy": shown["strategy"].map(STRATEGIES),
            "terms": terms,
            "skill": shown["oracle_sharpe"],
            "share": shown["yes"] / shown["n"],
            "lower": shown["lower"],
            "upper": shown["upper"],
        }
    ).reset_index(drop=True)


def _sharpe(value: float) -> str:
    return format_number(value, "+.2f")
