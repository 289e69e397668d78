"""The verdict judged: how often it says yes to luck, and to skill that is there.

Hundreds of simulated markets are judged by the study's own path. Where nothing was
planted every yes is a false one; where something was, the share of yes is the verdict's
power. A market's line depends on the study, the signal and its seed only, so a run may
stop, resume and use any number of processes.
"""

import hashlib
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import pandas as pd
from scipy.stats import binomtest

from nse_lstm.config import Study, study_document
from nse_lstm.models.versions import PACKAGES, sources_digest
from nse_lstm.paths import find_root, write_text
from nse_lstm.reporting.status import render_markdown
from nse_lstm.study import calibration_market
from nse_lstm.study.calibration_market import LUCKIEST, MODEL, ORACLE, judge_market
from nse_lstm.study.ledger import append_lines, read_lines
from nse_lstm.study.workspace import Workspace, read_json, write_json

__all__ = [
    "calibration_counts",
    "calibration_table",
    "count_answers",
    "false_yes",
    "judge_markets",
    "run_calibration",
]

Job = tuple[float, int]
Progress = Callable[[str], None]

SIGNALS = (0.06, 0.12, 0.2, 0.3)
"""What is planted for the power; a market without any is a null market."""
N_NULL, N_POWER = 300, 40
FIRST_POWER_SEED = 1001
FALSE_YES_LIMIT = 0.02
"""Share of null markets that may say yes: twice the design level, to leave chance
room."""
INTERVAL = 0.95
"""Confidence of the binomial intervals [1]_.

.. [1] C. Clopper and E. Pearson (1934). The use of confidence or fiducial limits
   illustrated in the case of the binomial. Biometrika 26(4), 404-413.
"""
KEY = ["version", "signal", "seed"]
ANY = "any"
DOCUMENT = Path("docs/calibration.json")
STRATEGY = ["who", "rule", "cost_bps"]
ANSWERS = ("yes", "undecided", "no")
WHO = {
    MODEL: "the model's stand-in",
    LUCKIEST: "the best of the trials, picked afterwards",
    ORACLE: "who knows the plan",
}


def judge_markets(
    study: Study,
    jobs: list[Job],
    path: Path,
    *,
    workers: int = 0,
    progress: Progress = print,
) -> list[dict[str, Any]]:
    """Judge markets, resuming those that a file holds under this very study.

    Parameters
    ----------
    study : Study
        Its universe, cross-section, dealing, verdict and seed count, and the sources.
    jobs : list of (signal, seed)
        Markets, ``calibration_market.judge_market``.
    path : Path
        JSON lines, one a market, appended as they are done.
    workers : int
        Processes; 0 means one a core. Never changes a result.
    progress : callable
        Is given a line every so often.

    Returns
    -------
    list of dict
        The lines of ``jobs``, in their order.
    """
    version = _version(study)
    done = {(line["signal"], line["seed"]) for line in _lines(path, version)}
    waiting = [job for job in jobs if job not in done]
    for number, line in enumerate(_judge_all(study, waiting, workers), start=1):
        append_lines(path, [{"version": version, **line}], key=KEY)
        if number % 10 == 0 or number == len(waiting):
            progress(f"{number} of {len(waiting)} markets judged")
    found = {(line["signal"], line["seed"]): line for line in _lines(path, version)}
    return [found[job] for job in jobs]


def _judge_all(study: Study, jobs: list[Job], workers: int) -> Iterator[dict[str, Any]]:
    judge = partial(_judge_job, study)
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if workers < 2:
        yield from map(judge, jobs)
        return
    # A new process has nothing of this one, so its place cannot matter.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(judge, jobs)


def _judge_job(study: Study, job: Job) -> dict[str, Any]:
    signal, seed = job
    return judge_market(study, signal=signal, seed=seed)


def _lines(path: Path, version: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(path) if line["version"] == version]


def _version(study: Study) -> str:
    document = study_document(study)
    names = ("universe", "cross_section", "dealing", "verdict", "seed")
    sources = sources_digest(packages=(*PACKAGES, "evaluation"))
    market = Path(calibration_market.__file__).read_text(encoding="utf-8")
    parts = [{name: document[name] for name in names}, sources, market]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def count_answers(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Count the answers of each signal and judged strategy.

    Parameters
    ----------
    lines : list of dict
        From ``judge_markets``.

    Returns
    -------
    DataFrame
        One row a ``signal who rule cost_bps`` (rule "any" for the luckiest): ``n``
        markets, ``dealt`` (those in which it dealt at all; else it is undecided), the
        counts ``yes undecided no``, ``lower upper`` (binomial bounds of the share of
        yes), ``sharpe`` and ``oracle_sharpe`` (mean yearly Sharpe ratio over cash of
        the strategy, and of the oracle under the same rule and cost; where it dealt)
        and ``above_cash above_holding`` (counts of lower bounds above 0).
    """
    judged = pd.DataFrame(
        [_flat(line, row) for line in lines for row in line["judged"]]
    )
    sizes = pd.Series([line["signal"] for line in lines]).value_counts()
    oracle = judged[judged["who"] == ORACLE]
    knows = oracle.groupby(["signal", "rule", "cost_bps"])["sharpe"].mean().to_dict()
    rows = []
    for key, own in judged.groupby(["signal", *STRATEGY]):
        signal, _, rule, cost_bps = cast(tuple[float, str, str, int], key)
        rows.append(
            {
                **dict(zip(["signal", *STRATEGY], key, strict=True)),
                **_counts(own, n=int(sizes[signal])),
                "oracle_sharpe": knows.get((signal, rule, cost_bps), math.nan),
            }
        )
    return pd.DataFrame(rows)


def _flat(line: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a judged strategy as one row, the luckiest under whatever rule it has."""
    above = {
        f"above_{name}": row[f"over_{name}"][0] > 0 for name in ("cash", "holding")
    }
    rule = ANY if row["who"] == LUCKIEST else row["rule"]
    return {**row, **above, "signal": line["signal"], "rule": rule}


def _counts(own: pd.DataFrame, *, n: int) -> dict[str, float]:
    yes, no = (int((own["answer"] == answer).sum()) for answer in ("yes", "no"))
    bounds = binomtest(yes, n).proportion_ci(INTERVAL, method="exact")
    return {
        "n": n,
        "dealt": len(own),
        "yes": yes,
        # Who never dealt earned cash, which is neither yes nor no.
        "undecided": n - yes - no,
        "no": no,
        "lower": float(bounds.low),
        "upper": float(bounds.high),
        "sharpe": float(own["sharpe"].mean()),
        "above_cash": int(own["above_cash"].sum()),
        "above_holding": int(own["above_holding"].sum()),
    }


def false_yes(lines: list[dict[str, Any]], *, cost_bps: int) -> list[int]:
    """Return the seeds of the null markets in which any judged strategy has a yes.

    The model under each rule and the luckiest trial are looked at, whichever the study
    declares, so the count is at least the one of the declared strategy.

    Parameters
    ----------
    lines : list of dict
        From ``judge_markets``.
    cost_bps : int
        Cost level whose answers count.
    """
    return [
        line["seed"]
        for line in lines
        if line["signal"] == 0
        and any(
            row["answer"] == "yes" and row["cost_bps"] == cost_bps
            for row in line["judged"]
        )
    ]


def run_calibration(
    workspace: Workspace,
    *,
    n_null: int = N_NULL,
    n_power: int = N_POWER,
    progress: Progress = print,
) -> pd.DataFrame:
    """Judge every market and write the counts to ``docs/calibration.{json,md}``.

    Parameters
    ----------
    n_null, n_power : int
        Markets without a signal, and with each of ``SIGNALS``.
    progress : callable
        Is given a line every so often.

    Returns
    -------
    DataFrame
        ``count_answers``.
    """
    study = workspace.study
    power = range(FIRST_POWER_SEED, FIRST_POWER_SEED + n_power)
    jobs = [(0.0, seed) for seed in range(1, n_null + 1)]
    jobs += [(signal, seed) for signal in SIGNALS for seed in power]
    lines = judge_markets(
        study,
        jobs,
        workspace.paths.models / "calibration" / "markets.jsonl",
        workers=study.training.workers,
        progress=progress,
    )
    counts = count_answers(lines)
    headline = study.dealing.headline_cost_bps
    document = {
        "counts": counts.to_dict(orient="records"),
        "false_yes": false_yes(lines, cost_bps=headline),
        "false_yes_limit": math.floor(FALSE_YES_LIMIT * n_null),
        "headline_cost_bps": headline,
        "n_null": n_null,
        "years": calibration_market.N_WALK_FORWARD,
    }
    path = workspace.paths.root / DOCUMENT
    write_json(path, document)
    write_text(path.with_suffix(".md"), _page(document, study))
    return counts


def calibration_counts(root: Path | None = None) -> pd.DataFrame:
    """Return the committed counts, as ``count_answers`` gives them.

    Raises
    ------
    ArtefactError
        If they were never written.
    """
    document = read_json((root or find_root()) / DOCUMENT)
    counts = pd.DataFrame(document["counts"])
    return counts.astype({"sharpe": "float64", "oracle_sharpe": "float64"})


def calibration_table(root: Path | None = None) -> pd.DataFrame:
    """Return the committed counts for a page, all text.

    Raises
    ------
    ArtefactError
        If they were never written.
    """
    return _table(calibration_counts(root))


def _table(counts: pd.DataFrame) -> pd.DataFrame:
    """Put counts into words, the oracle last."""
    order = counts["who"].map(list(WHO).index)
    rows = counts.assign(order=order).sort_values(
        ["signal", "cost_bps", "order", "rule"], ascending=[True, False, True, True]
    )
    return pd.DataFrame(
        {
            "planted": rows["signal"].map("{:g}".format),
            "cost, bps a side": rows["cost_bps"].astype(str),
            "who": rows["who"].map(WHO),
            "rule": rows["rule"],
            "its net Sharpe": rows["sharpe"].map(_signed),
            "the oracle's": rows["oracle_sharpe"].map(_signed),
            "markets": rows["n"].astype(str),
            "dealt in": rows["dealt"].astype(str),
            **{answer: rows[answer].astype(str) for answer in ANSWERS},
            "share of yes, 95 %": [
                f"{row.lower:.1%} to {row.upper:.1%}" for row in rows.itertuples()
            ],
            "above cash": rows["above_cash"].astype(str),
            "above the holding": rows["above_holding"].astype(str),
        }
    ).reset_index(drop=True)


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def _page(document: dict[str, Any], study: Study) -> str:
    counts = pd.DataFrame(document["counts"])
    false, n = len(document["false_yes"]), document["n_null"]
    bounds = binomtest(false, n).proportion_ci(INTERVAL, method="exact")
    return render_markdown(
        "calibration.md.j2",
        false_yes=false,
        n_null=n,
        limit=document["false_yes_limit"],
        upper=f"{bounds.high:.1%}",
        null=_table(counts[counts["signal"] == 0]),
        power=_table(counts[counts["signal"] > 0]),
        verdict=study.verdict,
        dealing=study.dealing,
        years=document["years"],
    )
