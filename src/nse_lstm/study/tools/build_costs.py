"""Report the time and peak memory of each phase of a build."""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.study.core.workspace import Workspace

KIB_A_MIB = 1024


def peak_memory() -> float | None:
    """Return the largest memory of one finished child process, MiB.

    Children of children count too: a notebook's kernel and its training workers. None
    where the system does not report it.
    """
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # KiB, but bytes on macOS.
    kib = largest / 1024 if sys.platform == "darwin" else largest
    return round(kib / KIB_A_MIB, 1)


def phase_costs(workspace: Workspace) -> pd.DataFrame:
    """Return one row per phase: ``phase``, ``seconds``, ``peak_mib``.

    The stocks' notebooks are one phase, whose seconds are their sum. A notebook without
    a record of its costs is left out.
    """
    build = workspace.paths.build
    names = {path: path.stem for path in sorted(build.glob("*.ipynb"))}
    names |= dict.fromkeys(sorted(build.glob("stocks/*.ipynb")), "90_stock")
    rows = [
        {"phase": name, **costs}
        for path, name in names.items()
        if (costs := _costs(path))
    ]
    table = pd.DataFrame(rows, columns=["phase", "seconds", "peak_mib"])
    return table.groupby("phase", as_index=False).agg(
        seconds=("seconds", "sum"), peak_mib=("peak_mib", "max")
    )


def cost_lines(workspace: Workspace) -> str:
    """Write the costs of all phases as lines for the end of a build's log."""
    costs = phase_costs(workspace)
    lines = [
        f"  {row.phase:<24} {_clock(row.seconds):>8} {_size(row.peak_mib):>9}"
        for row in costs.itertuples()
    ]
    total = f"  {'all':<24} {_clock(costs['seconds'].sum()):>8}"
    return "\n".join(["Time and peak memory of one process, by phase:", *lines, total])


def _costs(path: Path) -> dict[str, Any]:
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    return dict(metadata.get("nse_lstm", {}).get("resources", {}))


def _clock(seconds: Any) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _size(mib: Any) -> str:
    return "–" if pd.isna(mib) else f"{mib:,.0f} MiB"
