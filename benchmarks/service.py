"""Measure the service's latency beside an address that does nothing.

Both are asked in turns by wrk, a public load tool, within one run: on a busy machine
only the ratio means something. Run with a study whose registry has something in it::

    python benchmarks/service.py --market nse --test-year 2023

Batches are asked by wrk for what was forecast before, and once over, of a server that
has forecast nothing yet, for half a year of every network's.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROUNDS, SECONDS, CONNECTIONS = 9, 3, 4
BATCH = 200
MAX_RATIO, MIN_FORECASTS = 3.0, 500

GET = """
local paths = {%s}
local n = 0
request = function() n = n + 1; return wrk.format("GET", paths[n %% #paths + 1]) end
"""
POST = """
wrk.method = "POST"; wrk.body = '%s'; wrk.headers["Content-Type"] = "application/json"
"""


def main() -> None:
    """Measure and print a table; exit 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("root", "market", "study", "test-year", "serve", "warm"):
        parser.add_argument(f"--{name}", default="")
    given = parser.parse_args()
    if given.serve:
        serve(given)
        return
    if not shutil.which("wrk"):
        print("wrk is not installed (Debian: apt-get install wrk): nothing measured")
        return
    with server(sys.argv[1:]) as (port, _):
        report(port)


def serve(given: argparse.Namespace) -> None:
    """Run the service, with one more address that answers nothing."""
    from fastapi import Response

    from nse_lstm.deployment.service import snapshot
    from nse_lstm.deployment.service.app import make_app
    from nse_lstm.deployment.service.limits import Limits
    from nse_lstm.deployment.service.server import make_server
    from nse_lstm.study.core.workspace import open_workspace
    from nse_lstm.study.deployment.service import service_source

    workspace = open_workspace(
        given.root,
        study=given.study or "study.toml",
        market=given.market or "simulated",
        test_year=int(given.test_year or 0),
    )
    if given.warm:
        snapshot.WARM_ORIGINS = int(given.warm)
    app, limits = make_app(service_source(workspace)), Limits()

    @app.get("/empty")
    async def empty() -> Response:
        return Response(b"{}", media_type="application/json")

    make_server(app, limits, host="127.0.0.1", port=int(given.serve)).run()


@contextmanager
def server(arguments: list[str], port: int = 8765) -> Iterator[tuple[int, int]]:
    """Run this file as a server in a process of its own; give port and process."""
    command = [sys.executable, __file__, *arguments, "--serve", str(port)]
    with subprocess.Popen(command) as process:
        try:
            for _ in range(600):
                try:
                    get(port, "/health")
                    break
                except OSError:
                    time.sleep(0.1)
            yield port, process.pid
        finally:
            process.terminate()


def report(port: int) -> None:
    """Print what was found, and whether it keeps the limits."""
    models = get(port, "/champions")
    last = get(port, "/health")["last_session"]
    paths = [f"/forecasts/{m['ticker']}?stage={m['stage']}&date={last}" for m in models]
    scripts = {
        "empty": GET % '"/empty"',
        "forecast": GET % ", ".join(f'"{path}"' for path in paths),
    }
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in scripts}
    for _ in range(ROUNDS):
        for name, script in scripts.items():
            found[name].append(wrk(port, script, "/"))
    for name, rounds in found.items():
        p99, half, rate = (
            statistics.median(each) for each in zip(*rounds, strict=True)
        )
        print(f"{name:9} p50 {half:.2f} ms, p99 {p99:.2f} ms, {rate:.0f} a second")
    pairs = zip(found["forecast"], found["empty"], strict=True)
    ratios = [one[0] / other[0] for one, other in pairs]
    ratio = statistics.median(ratios)
    print(
        f"p99 of a forecast over an empty answer's: {ratio:.2f} (at most {MAX_RATIO})"
    )
    print("  round by round: " + " ".join(f"{each:.2f}" for each in ratios))
    asked = [{k: m[k] for k in ("ticker", "stage")} | {"date": last} for m in models]
    body = json.dumps({"forecasts": (asked * BATCH)[:BATCH]})
    *_, requests = wrk(port, POST % body, "/forecasts")
    warm = requests * BATCH
    print(f"forecast before: {warm:.0f} a second in batches of {BATCH}")
    cold = report_cold(port + 1, models, last)
    sys.exit(int(ratio > MAX_RATIO or min(cold, warm) < MIN_FORECASTS))


def report_cold(port: int, models: list[dict], last: str) -> float:
    """Do the same with a server that has forecast nothing yet."""
    with server([*sys.argv[1:], "--warm", "0"], port) as (_, pid):
        start, before = time.perf_counter(), processor_seconds(pid)
        n_made = ask_batches(port, models, weekdays(last, 0, 182))
        seconds = time.perf_counter() - start
        busy = processor_seconds(pid) - before
        alone = cold_milliseconds(port, models, weekdays(last, 183, 250))
    print(
        f"never forecast before: {n_made / seconds:.0f} a second in batches of "
        f"{BATCH}, {n_made / busy:.0f} a second of one core; alone {alone:.1f} ms"
    )
    return n_made / busy


def processor_seconds(pid: int) -> float:
    """Return what a process has used: on a busy machine its seconds are not its own."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(port: int, script: str, path: str) -> tuple[float, float, float]:
    """Return 99th percentile and median in ms, and requests a second; all are 200."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "load.lua"
        file.write_text(script)
        options = f"-t1 -c{CONNECTIONS} -d{SECONDS}s --latency -s {file}"
        done = subprocess.run(
            ["wrk", *options.split(), f"http://127.0.0.1:{port}{path}"],
            capture_output=True,
            text=True,
            check=True,
        )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(done.stdout)
    times = dict(re.findall(r"(\d\d)%\s+([\d.]+[um]?s)", done.stdout))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]
    return milliseconds(times["99"]), milliseconds(times["50"]), float(rate)


def milliseconds(text: str) -> float:
    """Read a time of wrk's."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def ask_batches(port: int, models: list[dict], days: list[str]) -> int:
    """Ask for every session of the last half year, networks only; count answers."""
    asked = [
        {"ticker": m["ticker"], "stage": m["stage"], "date": day}
        for m in models
        if m["model"] != "persistence"
        for day in days
    ]
    n_made = 0
    for first in range(0, len(asked), BATCH):
        some = asked[first : first + BATCH]
        rows = get(port, "/forecasts", {"forecasts": some})["forecasts"]
        n_made += sum("price_hat" in row for row in rows)
    return n_made


def cold_milliseconds(port: int, models: list[dict], days: list[str]) -> float:
    """Ask one by one for sessions that nobody asked for before."""
    network = next(m for m in models if m["model"] != "persistence")
    address = f"/forecasts/{network['ticker']}?stage={network['stage']}&date="
    times = []
    for day in days:
        start = time.perf_counter()
        try:
            get(port, address + day)
        except urllib.error.HTTPError:
            continue  # no session
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def weekdays(last: str, first: int, end: int) -> list[str]:
    """Return weekdays so many days before the last session."""
    days = np.datetime64(last) - np.arange(first, end)
    return [str(day) for day in days[np.is_busday(days)]]


def get(port: int, path: str, body: dict | None = None) -> dict:
    """Ask the service and read its JSON."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
