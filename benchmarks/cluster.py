"""A market of 2,000 codes and 20 years, and its networks on a cluster: cost per job.

``client.py`` repeats a simulated year under other codes and in other years, takes the
files through the whole data layer, and fits 25, 50, 100 and 200 small networks on two
workers of a Dask cluster on this machine, each time from nothing. Then the 200 are
asked for twice more: once with their bundles left in the store only, which is the cost
of a job without its fit, and once with all of them there. The fewest are fitted by the
local engine too. Writes ``client.json`` and prints it as a table. A busy machine
stretches the clock's seconds, so the processor's stand beside them.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from distributed import Client

from nse_lstm.config import V2, Market, Simulation, Study, Training
from nse_lstm.data.panel import build_panel
from nse_lstm.data.simulate import write_market
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.windows import Windows, make_windows, split_fold
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.training import train
from nse_lstm.paths import csv_paths, write_text

OUT = Path("build/bench/cluster.json")
YEAR, LAST_YEAR = 2018, 2023
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def main() -> int:
    """Prepare, train at each size, and write what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=2000)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--jobs", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--units", type=int, default=4)
    parser.add_argument("--lookback", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    document: dict[str, Any] = {"settings": vars(options)}
    with tempfile.TemporaryDirectory(prefix="nse-bench-") as name:
        scratch = Path(name)
        jobs, document["prepared"] = prepare(scratch / "raw", options)
        print(document["prepared"], flush=True)
        with cluster(scratch) as (address, client):
            study = make_study(options, address, scratch / "store")
            measure(jobs[:4], study, scratch / "warm", client)
            document["runs"] = list(run_all(jobs, study, scratch, client, options.jobs))
    write_text(OUT, json.dumps(document, indent=1) + "\n")
    print(pd.DataFrame(document["runs"]).T.to_string(float_format="{:.4g}".format))
    return 0


def run_all(
    jobs: list[TrainingJob],
    study: Study,
    scratch: Path,
    client: Client,
    sizes: list[int],
) -> Iterator[dict[str, Any]]:
    """Measure each size from nothing, then the largest again without fits."""
    for size in sizes:
        for place in ("store", "models"):
            shutil.rmtree(scratch / place, ignore_errors=True)
        yield show("fitted", measure(jobs[:size], study, scratch / "models", client))
    yield show("fitted locally", measure_local(jobs[: sizes[0]], study, scratch))
    shutil.rmtree(scratch / "models")
    for what in ("in the store", "there"):
        yield show(what, measure(jobs[: sizes[-1]], study, scratch / "models", client))


def show(what: str, run: dict[str, Any]) -> dict[str, Any]:
    """Print a run as it ends."""
    print({"what": what, **run}, flush=True)
    return {"what": what, **run}


def prepare(
    folder: Path, options: argparse.Namespace
) -> tuple[list[TrainingJob], dict[str, Any]]:
    """Take the files through the data layer and cut every stock's windows."""
    write_copies(folder, options.codes, options.years)
    found: dict[str, Any] = {"raw_mb": size_of(folder)[1] / 1e6}
    clock = time.process_time()
    panel = build_panel(folder).panel
    found["panel_cpu_seconds"] = lap = time.process_time() - clock
    found |= {"rows": len(panel), "codes": int(panel["ticker"].nunique())}
    found["panel_mb"] = int(panel.memory_usage(deep=True).sum()) / 1e6
    table = with_returns(panel)
    found["returns_cpu_seconds"] = time.process_time() - clock - lap
    clock = time.process_time()
    ordinary = table[table["kind"] == "ordinary"]
    sessions, kept, n_stocks = market_sessions(table), [], 0
    for ticker, rows in ordinary.groupby("ticker", observed=True):
        job = make_job(str(ticker), rows, sessions, options.lookback)
        n_stocks += 1
        if len(kept) < max(options.jobs):
            # Copies of a stock would share one file of windows.
            factor = 1 + n_stocks / 1000
            kept.append(
                replace(
                    job,
                    train=scaled(job.train, factor),
                    validation=scaled(job.validation, factor),
                )
            )
    found |= {"stocks": n_stocks, "windows_a_job": len(kept[0].train)}
    found["windows_cpu_seconds_a_stock"] = (time.process_time() - clock) / n_stocks
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kept, {**found, "peak_mb": peak / 1024}


def make_job(
    ticker: str, rows: pd.DataFrame, sessions: pd.DatetimeIndex, lookback: int
) -> TrainingJob:
    """Cut one stock's windows before the last year."""
    windows = make_windows(rows, sessions, lookback=lookback, horizon=1)
    fold = make_folds(LAST_YEAR, 0)[0]
    split = split_fold(windows, fold, validation_share=0.15, purge=1)
    return TrainingJob(
        ticker=ticker,
        year=fold.year,
        seed=1,
        train=split.train,
        validation=split.validation,
        version="1",
    )


def scaled(windows: Windows, factor: float) -> Windows:
    """Give windows in another unit of money."""
    return replace(
        windows,
        prices=windows.prices * factor,
        y=windows.y * factor,
        last_price=windows.last_price * factor,
    )


def make_study(options: argparse.Namespace, address: str, store: Path) -> Study:
    """Describe a network small enough that many can be fitted."""
    return Study(
        market=Market(name="none", label="None"),
        v2=V2(lookback=options.lookback, units=options.units, dense_units=4),
        training=Training(
            max_epochs=options.epochs,
            engine="dask",
            scheduler=address,
            store=str(store),
        ),
    )


def measure(
    jobs: list[TrainingJob], study: Study, folder: Path, client: Client
) -> dict[str, Any]:
    """Fit jobs and return what each cost."""
    pid = client.run_on_scheduler(os.getpid)
    scheduler, own = psutil.Process(pid), psutil.Process()
    workers = [psutil.Process(pid) for pid in client.run(os.getpid).values()]
    before = client.run_on_scheduler(bytes_by_socket)
    cpu_before = [cpu(scheduler), cpu(own), tree_cpu(workers)]
    after: list[Any] = []

    def progress(line: str) -> None:
        # While the client of the run is still there, and its connection with it.
        if line.startswith(f"[{len(jobs)}/"):
            after.append(client.run_on_scheduler(bytes_by_socket))
            after.extend([cpu(scheduler), cpu(own), tree_cpu(workers)])

    clock = time.monotonic()
    models = train(
        jobs,
        study=study,
        folder_of=lambda job: folder / job.ticker,
        progress=progress,
    )
    seconds = time.monotonic() - clock
    failed = [model.failure for model in models if model.failure]
    if failed:
        raise RuntimeError(f"Expected every job to be fitted. Received: {failed}")
    n = len(jobs)
    moved = sum(total - before.get(key, 0) for key, total in after[0].items())
    spent = [now - then for now, then in zip(after[1:], cpu_before, strict=True)]
    store = Path(study.training.store)
    inputs, bundles = (size_of(store / name) for name in ("inputs", "bundles"))
    return {
        "jobs": n,
        "seconds": seconds,
        "seconds_a_job": seconds / n,
        "fit_seconds_a_job": sum(model.seconds for model in models) / n,
        "worker_cpu_seconds_a_job": spent[2] / n,
        "scheduler_cpu_ms_a_job": 1e3 * spent[0] / n,
        "client_cpu_ms_a_job": 1e3 * spent[1] / n,
        "network_kb_a_job": moved / n / 1e3,
        "input_kb_a_job": inputs[1] / n / 1e3,
        "bundle_kb_a_job": bundles[1] / n / 1e3,
        "files_in_store": inputs[0] + bundles[0],
        "scheduler_mb": scheduler.memory_info().rss / 1e6,
    }


def measure_local(
    jobs: list[TrainingJob], study: Study, scratch: Path
) -> dict[str, Any]:
    """Fit jobs in two processes of this one, timed from the first that is done on."""
    local = replace(study, training=replace(study.training, engine="local", workers=2))
    marks: list[tuple[float, float]] = []

    def progress(line: str) -> None:
        processes = psutil.Process().children()
        marks.append((time.monotonic(), tree_cpu(processes)))

    train(
        jobs,
        study=local,
        folder_of=lambda job: scratch / "local" / job.ticker,
        progress=progress,
    )
    n = len(jobs) - 1
    seconds, spent = (last - first for first, last in zip(*marks[::n], strict=True))
    return {
        "jobs": n,
        "seconds": seconds,
        "seconds_a_job": seconds / n,
        "worker_cpu_seconds_a_job": spent / n,
    }


def tree_cpu(processes: list[psutil.Process]) -> float:
    """Return the seconds of processor of processes and those they started."""
    return sum(
        cpu(process)
        for root in processes
        for process in [root, *root.children(recursive=True)]
    )


def cpu(process: psutil.Process) -> float:
    """Return the seconds of processor that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def bytes_by_socket() -> dict[str, int]:
    """Return the bytes each TCP connection of this process has moved both ways.

    Runs in the scheduler, through which all messages go. On Linux only.
    """
    moved = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            name = os.readlink(link)
            if not name.startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(link.name))) as peer:
                info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        except OSError:
            continue  # Closed meanwhile, or no TCP.
        # tcpi_bytes_acked and tcpi_bytes_received of linux/tcp.h.
        moved[name] = sum(struct.unpack_from("QQ", info, 120))
    return moved


def size_of(folder: Path) -> tuple[int, int]:
    """Return the number of files below a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, Client]]:
    """Start a scheduler and two workers as processes, with a client that looks on."""
    dask, where = Path(sys.executable).with_name("dask"), folder / "scheduler.json"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes: list[subprocess.Popen[bytes]] = []

    def start(kind: str, *options: str) -> None:
        command = [str(dask), kind, "--scheduler-file", str(where), *options]
        with (folder / f"{kind}.log").open("ab") as log:
            processes.append(
                subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
            )

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        for _ in range(2):
            start("worker", "--nthreads", "1", "--nworkers", "1", "--no-dashboard")
        wait_until(lambda: where.is_file() and where.stat().st_size > 0)
        address = json.loads(where.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
            yield address, client
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def wait_until(holds: Callable[[], bool]) -> None:
    """Look every so often."""
    while not holds():
        time.sleep(0.05)


def write_copies(folder: Path, n_codes: int, n_years: int) -> None:
    """Write a simulated year again and again, under other codes and in other years."""
    with tempfile.TemporaryDirectory(prefix="nse-bench-") as scratch:
        market = Path(scratch) / "market"
        write_market(market, Simulation(first_year=YEAR, last_year=YEAR, faults=False))
        source = next(path for path in csv_paths(market) if "all_stocks" in path.name)
        header, *lines = source.read_text().splitlines(keepends=True)
    folder.mkdir(parents=True)
    rows = [line.split(",", 2) for line in lines if line.strip(",\r\n")]
    n_copies = -(-n_codes // len({code for _, code, _ in rows}))
    pairs = ["".join(pair) for pair in islice(product(LETTERS, LETTERS), n_copies)]
    by_date = pd.DataFrame(rows, columns=["date", "code", "rest"]).groupby(
        "date", sort=False
    )
    for year in range(LAST_YEAR - n_years + 1, LAST_YEAR + 1):
        parts = [header]
        # A session's copies stand together, since a file is in order of time.
        for date, group in by_date:
            day = f"{str(date)[:-2]}{year % 100:02d}"
            for pair in pairs:
                parts += [
                    f"{day},{rename(code, pair)},{rest}"
                    for code, rest in zip(group["code"], group["rest"], strict=True)
                ]
        (folder / f"prices_{year}.csv").write_text("".join(parts))


def rename(code: str, letters: str) -> str:
    """Put letters at the end of a code, before the dash of a preference share's."""
    head, dash, tail = code.partition("-")
    return f"{head}{letters}{dash}{tail}"


if __name__ == "__main__":
    sys.exit(main())
