"""Count alarms of clean audits over seeds, markets and settings; resumes when killed.

``python -m audit_power.clean_runs FILE N`` (from ``tests``) appends a line per clean
audit to FILE until it holds N. A line names the seed, the settings, the alarms and the
processor time. It exits with 1 if any audit alarmed.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from time import process_time
from typing import Any

from audit_power.measure import FUTURES, STUDY
from nse_lstm.config import Study
from nse_lstm.study.audit.examine import examine, scratch_folder

FIRST_SEED = 301
SETTINGS: dict[str, Any] = {
    "as committed": lambda s: s,
    "sign rule": lambda s: replace(s, verdict=replace(s.verdict, rule="sign")),
    "longer validation": lambda s: replace(
        s, folds=replace(s.folds, validation_share=0.25)
    ),
    "no purge of ranks": lambda s: replace(
        s, cross_section=replace(s.cross_section, purge=0)
    ),
    "wide gate": lambda s: replace(s, backtest=replace(s.backtest, gate_multiple=3.0)),
    "free cash": lambda s: replace(s, backtest=replace(s.backtest, cash_rate=0.0)),
    "weak ridge": lambda s: replace(s, tabular=replace(s.tabular, ridge_alpha=10.0)),
    "own ranks": lambda s: replace(
        s, rank_lstm=replace(s.rank_lstm, distilled_share=0.0)
    ),
    "another seed": lambda s: replace(s, seed=s.seed + 17),
    "two sessions": lambda s: replace(s, backtest=replace(s.backtest, delay=2)),
}
"""Changes of the study, one per audit in turn."""


def run_clean(number: int) -> dict[str, Any]:
    """Audit one clean market under one setting, networks every fifth time.

    Parameters
    ----------
    number : int
        Picks market and setting.
    """
    name = list(SETTINGS)[number % len(SETTINGS)]
    study: Study = SETTINGS[name](STUDY)
    seed = FIRST_SEED + number
    learner = "network" if number % 5 == 4 else "surrogate"
    started = process_time()
    with scratch_folder() as root:
        found = examine(
            *(study, root),
            seed=seed,
            learner=learner,
            futures=FUTURES[learner],
        )
    return {
        "number": number,
        "seed": seed,
        "settings": name,
        "learner": learner,
        "alarms": [asdict(alarm) for alarm in found.alarms],
        "futures": found.splices,
        "seconds": round(process_time() - started, 1),
    }


def main(path: Path, n_runs: int) -> int:
    """Run what is missing and say what was found.

    Parameters
    ----------
    path : Path
        Of the file with one line per run.
    n_runs : int
    """
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    runs = {row["number"]: row for row in map(json.loads, lines)}
    for number in range(n_runs):
        if number not in runs:
            row = runs[number] = run_clean(number)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(
                f"[{len(runs)}/{n_runs}] seed {row['seed']}, {row['settings']}, "
                f"{row['learner']}: {len(row['alarms'])} alarms, {row['seconds']} s",
                flush=True,
            )
    alarmed = [row for row in runs.values() if row["alarms"]]
    print(f"{len(alarmed)} of {len(runs)} clean audits alarmed")
    return 1 if alarmed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
