"""Measure the training engine's speed beside Keras and PyTorch, interleaved.

Writes a table, JSON and a plot to ``build/bench``. PyTorch takes part where
``TORCH_PYTHON`` names an interpreter that imports it; it is no dependency. Run by
``make bench``; ``--check`` fails below the floors.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from nse_lstm.models.pinning import PINNED

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "build" / "bench"
TORCH = os.environ.get("TORCH_PYTHON", "")

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


@dataclass(frozen=True)
class Arrangement:
    """A contestant and how many processes of how many threads it gets."""

    kind: str
    n_processes: int
    threads: Mapping[str, str]
    python: str = sys.executable


ENGINE, LIMIT = "engine, two processes", "machine's limit, two processes"
ARRANGEMENTS = {
    "Keras fit, default": Arrangement("keras", 1, {}),
    "Keras fit, two processes": Arrangement("keras", 2, ONE_THREAD),
    "PyTorch, two processes": Arrangement("torch", 2, ONE_THREAD, TORCH),
    ENGINE: Arrangement("engine", 2, PINNED),
    LIMIT: Arrangement("limit", 2, ONE_THREAD),
}
FLOORS = {
    "Keras fit, default": 5.0,
    "Keras fit, two processes": 2.5,
    "PyTorch, two processes": 1.25,
}


def main() -> int:
    """Measure, write, and say whether the floors hold."""
    options = _options()
    names = [name for name in ARRANGEMENTS if "PyTorch" not in name or TORCH]
    if not TORCH:
        print("PyTorch is skipped: TORCH_PYTHON names no interpreter.")
    epochs = pd.concat(
        [race(names, channels, options.rounds) for channels in options.channels]
    )
    table = summarise(epochs)
    print(table.to_string(index=False), flush=True)
    # What took minutes is kept, should the rest be interrupted.
    write(epochs, table, pd.DataFrame())
    models = pd.DataFrame(cost_per_model(options.models))
    print(models.to_string(index=False))
    write(epochs, table, models)
    missed = below_floor(table)
    for line in missed:
        print(line)
    return 1 if missed and options.check else 0


def race(names: list[str], channels: int, rounds: int) -> pd.DataFrame:
    """Let each arrangement run one epoch a round, in turn; a row each."""
    rows = []
    with ExitStack() as stack:
        teams = {}
        for name in names:
            started = time.perf_counter()
            teams[name] = stack.enter_context(_team(ARRANGEMENTS[name], channels))
            ready = time.perf_counter() - started
            print(f"{name}, {channels} channels: first step after {ready:.1f} s")
        for number in range(rounds):
            for name in names[number % 2 :] + names[: number % 2]:
                wall, cpu = _epoch(teams[name])
                row = {"name": name, "channels": channels}
                rows.append(row | {"seconds": wall, "cpu_seconds": cpu})
    return pd.DataFrame(rows)


def summarise(epochs: pd.DataFrame) -> pd.DataFrame:
    """Return medians per epoch and stock, and how many times faster the engine is.

    By the processor's clock too, which other programs on the machine disturb less.
    """
    grouped = epochs.groupby(["channels", "name"], sort=False)
    table = grouped["seconds"].agg(["median", "min", "max", "size"])
    table["cpu_median"] = grouped["cpu_seconds"].median()
    engine = table.xs(ENGINE, level="name")
    for column, clock in {"faster": "median", "faster_by_cpu": "cpu_median"}.items():
        table[column] = table[clock].div(engine[clock], level="channels")
    limit = table.xs(LIMIT, level="name")
    table["share_of_limit"] = 1 / table["cpu_median"].div(
        limit["cpu_median"], level="channels"
    )
    return table.reset_index().round(3)


def cost_per_model(counts: list[int]) -> Iterator[dict[str, float]]:
    """Train so many models of one epoch through the library's own call."""
    for n_models in counts:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            finished = subprocess.run(
                [sys.executable, str(HERE / "many_models.py"), str(n_models), folder],
                check=True,
                capture_output=True,
                text=True,
            )
            seconds = time.perf_counter() - started
        own, worker = map(int, finished.stdout.split()[-2:])
        yield {
            "models": n_models,
            "seconds": round(seconds, 1),
            "seconds_a_model": round(seconds / n_models, 2),
            "peak_mib": own,
            "peak_of_worker_mib": worker,
        }


def below_floor(table: pd.DataFrame) -> list[str]:
    """Name every floor that the engine does not reach."""
    rows = table[table["name"].isin(FLOORS)]
    return [
        f"Expected at least {FLOORS[row.name]} times {row.name} with {row.channels} "
        f"channels. Received: {row.faster}"
        for row in rows.set_index("name", drop=False).itertuples(index=False)
        if row.faster < FLOORS[row.name]
    ]


def write(epochs: pd.DataFrame, table: pd.DataFrame, models: pd.DataFrame) -> None:
    """Write all that was measured: table, JSON, plot."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "training.csv", index=False)
    if len(models):
        models.to_csv(FOLDER / "training_models.csv", index=False)
    document = {
        "machine": {"processor": platform.processor(), "cores": os.cpu_count()},
        "load": os.getloadavg(),
        "epochs": epochs.to_dict("records"),
        "table": table.to_dict("records"),
        "models": models.to_dict("records"),
    }
    text = json.dumps(document, indent=2)
    (FOLDER / "training.json").write_text(text + "\n", encoding="utf-8")
    _plot(table)


def _plot(table: pd.DataFrame) -> None:
    mpl.use("agg")
    import matplotlib.pyplot as plt

    wide = table.pivot(index="name", columns="channels", values="median")
    wide = wide.loc[table["name"].unique()[::-1]]
    axes = wide.plot.barh(figsize=(8, 3.5))
    axes.set_xlabel("seconds an epoch and stock, median (2,125 windows of 60 sessions)")
    axes.set_ylabel("")
    axes.legend(title="channels")
    axes.figure.tight_layout()
    axes.figure.savefig(FOLDER / "training.png", dpi=150)
    plt.close(axes.figure)


@contextmanager
def _team(arrangement: Arrangement, channels: int) -> Iterator[list[subprocess.Popen]]:
    """Start an arrangement's processes and wait until all are ready."""
    command = [arrangement.python, str(HERE / "contestant.py")]
    team = [
        subprocess.Popen(
            [*command, arrangement.kind, str(channels)],
            env={**os.environ, **QUIET, **arrangement.threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(arrangement.n_processes)
    ]
    try:
        for process in team:
            _answer(process)
        yield team
    finally:
        for process in team:
            process.communicate()


def _epoch(team: list[subprocess.Popen]) -> tuple[float, float]:
    """Let a team run an epoch each at once; return seconds per stock by both clocks."""
    started = time.perf_counter()
    for process in team:
        process.stdin.write("epoch\n")
        process.stdin.flush()
    answers = [_answer(process).split() for process in team]
    wall = time.perf_counter() - started
    return wall / len(team), sum(float(cpu) for _, cpu in answers) / len(team)


def _answer(process: subprocess.Popen) -> str:
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"Expected an answer. Received: none from {process.args}")
    return answer


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--channels", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--models", type=int, nargs="*", default=[1, 5, 10, 50, 200])
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
