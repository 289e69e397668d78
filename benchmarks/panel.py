"""Speed and memory of the data layer: raw files to a validated panel.

``panel.py ratio --raw FOLDER`` times ``build_panel`` and ``pandas.read_csv`` over the
same files in turn, in one run, and compares the medians. ``panel.py linear`` repeats
one simulated year under other codes and years, measures time and peak memory at each
size in a process of its own, and writes ``linear.json`` and ``linear.png``. Both give
the processor's time beside the clock's, which a busy machine stretches.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from nse_lstm.config import Simulation
from nse_lstm.data.panel import build_panel
from nse_lstm.data.simulate import write_market
from nse_lstm.paths import csv_paths, write_aside, write_text

SIZES = (200_000, 1_000_000, 2_500_000, 5_000_000)
YEAR = 2018
FIRST_COPY = 1960
OUT = Path("build/bench")
RENAMED = Path("data/renamed_codes/nse.csv")
"""For files of the exchange before 2013; others have none of these codes."""


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    ratio = verbs.add_parser("ratio")
    ratio.add_argument("--raw", type=Path, required=True)
    ratio.add_argument("--repeats", type=int, default=9)
    ratio.set_defaults(run=lambda options: compare(options.raw, options.repeats))
    linear = verbs.add_parser("linear")
    linear.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    linear.set_defaults(run=lambda options: grow(options.sizes))
    one = verbs.add_parser("one")
    one.add_argument("folder", type=Path)
    one.set_defaults(run=lambda options: measure(options.folder))
    options = parser.parse_args()
    options.run(options)
    return 0


def compare(folder: Path, repeats: int) -> None:
    """Print the medians of both readers, and their ratio."""
    paths = csv_paths(folder)
    readers: dict[str, Callable[[], object]] = {
        "read_csv": lambda: [pd.read_csv(path) for path in paths],
        "build_panel": lambda: build_panel(folder, renamed=RENAMED),
    }
    rounds = [
        {name: timed(read) for name, read in readers.items()}
        for _ in range(repeats + 1)
    ][1:]  # the first round warms the machine
    document: dict[str, object] = {"repeats": repeats}
    for place, clock in enumerate(("seconds", "cpu_seconds")):
        medians = {
            name: statistics.median(times[name][place] for times in rounds)
            for name in readers
        }
        ratio = statistics.median(
            times["build_panel"][place] / times["read_csv"][place] for times in rounds
        )
        document |= {clock: medians, f"{clock}_ratio": ratio}
        print(f"{clock:12} {medians} ratio {ratio:.2f}")
    write_text(OUT / "ratio.json", json.dumps(document, indent=1) + "\n")


def timed(read: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds by the clock and by the processor."""
    clock, cpu = time.perf_counter(), time.process_time()
    read()
    return time.perf_counter() - clock, time.process_time() - cpu


def grow(sizes: list[int]) -> None:
    """Measure each size in a process of its own; write a table and a plot."""
    results = []
    for size in sorted(sizes):
        with tempfile.TemporaryDirectory(prefix="nse-bench-") as scratch:
            write_copies(Path(scratch) / "warm", 1)
            write_copies(Path(scratch) / "raw", size)
            command = [sys.executable, __file__, "one", str(Path(scratch) / "raw")]
            output = subprocess.run(command, check=True, capture_output=True, text=True)
        results.append(json.loads(output.stdout))
        print(results[-1], flush=True)
    write_text(OUT / "linear.json", json.dumps(results, indent=1) + "\n")
    draw(pd.DataFrame(results), OUT / "linear.png")


def measure(folder: Path) -> None:
    """Build one panel and print rows, seconds and peak memory as JSON.

    A small one beside it is built first, so that no import is timed.
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    build_panel(folder.with_name("warm"))
    found = []
    seconds, cpu_seconds = timed(lambda: found.append(build_panel(folder)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = {
        "n_rows": int(found[0].row_counts["n_rows"].sum()),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        # Kibibytes on Linux; what the imports took is left out.
        "peak_mb": (peak - before) / 1024,
    }
    print(json.dumps(table))


def write_copies(folder: Path, n_rows: int) -> None:
    """Write a simulated year again and again, under other codes and in other years.

    A year holds as many copies of the board as keep its codes few, with a letter a
    copy at the end of each code.
    """
    with tempfile.TemporaryDirectory(prefix="nse-bench-") as scratch:
        market = Path(scratch) / "market"
        write_market(market, Simulation(first_year=YEAR, last_year=YEAR))
        source = next(path for path in csv_paths(market) if "all_stocks" in path.name)
        header, *lines = source.read_bytes().splitlines(keepends=True)
    folder.mkdir(parents=True)
    rows = [line.split(b",", 2) for line in lines if line.strip(b",\r\n")]
    year, letters = FIRST_COPY, b"ABCDEFGH"
    written = 0
    while written < n_rows:
        parts = [header]
        # A session's copies stand together, since a file is in order of time.
        for date, group in _by_date(rows):
            day = date[:-2] + b"%d" % year
            for letter in letters:
                parts += [b",".join([day, _code(c, letter), r]) for _, c, r in group]
        written += len(rows) * len(letters)
        (folder / f"prices_{year}.csv").write_bytes(b"".join(parts))
        year += 1


def _by_date(rows: list[list[bytes]]) -> list[tuple[bytes, list[list[bytes]]]]:
    groups: dict[bytes, list[list[bytes]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return list(groups.items())


def _code(code: bytes, letter: bytes | int) -> bytes:
    head, dash, tail = code.partition(b"-")
    return head + bytes([int(letter)]) + dash + tail  # type: ignore[arg-type]


def draw(table: pd.DataFrame, path: Path) -> None:
    """Plot time and peak memory over rows, from zero, with a straight line each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, (name, unit) in zip(
        figure.subplots(1, 2),
        {"cpu_seconds": "processor time, s", "peak_mb": "peak memory, MB"}.items(),
        strict=True,
    ):
        millions = table["n_rows"] / 1e6
        slope = (table[name] * millions).sum() / (millions**2).sum()
        axes.plot(millions, table[name], "o", label="measured")
        line = [0, millions.max()]
        axes.plot(line, [slope * x for x in line], label=f"{slope:.3g} a million rows")
        axes.set(xlabel="rows, millions", ylabel=unit, xlim=0, ylim=0)
        axes.legend(frameon=False)
    with write_aside(path) as aside:
        figure.savefig(aside, dpi=150, format="png")


if __name__ == "__main__":
    sys.exit(main())
