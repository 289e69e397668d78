"""Measure what each declared dependency costs: size, what it alone brings, import.

``dependencies.py`` prints a Markdown table of the study's own dependencies, the
largest first. Sizes are of installed files. An import is timed in a fresh process, as
the median processor time of several, ``--times``, less that of an empty one.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MODULES = {"pandera": "pandera.pandas", "scikit-learn": "sklearn", "ipykernel": ""}
"""Modules of other names than their package; "" is not imported by the study."""
PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
MEBIBYTE = 2**20


def main() -> None:
    """Print the table, then the size of all packages together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    declared = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    wanted = [Requirement(text) for text in declared]
    everything = closure(wanted)
    sizes = {name: size_of(name) for name in everything}
    empty = seconds("pass", times)
    rows = []
    for each in wanted:
        name = canonicalize_name(each.name)
        rest = closure([other for other in wanted if other is not each])
        alone = sum(sizes[own] for own in everything - rest)
        module = MODULES.get(name, name.replace("-", "_"))
        cost = f"{seconds(f'import {module}', times) - empty:.2f}" if module else ""
        rows.append((alone, name, sizes[name], len(everything - rest), cost))
    print("| package | version | own MiB | alone brings | MiB in all | import, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for alone, name, own, n_alone, cost in sorted(rows, reverse=True):
        print(
            f"| {name} | {distribution(name).version} | {own / MEBIBYTE:.1f} "
            f"| {n_alone} | {alone / MEBIBYTE:.1f} | {cost} |"
        )
    total = sum(sizes.values()) / MEBIBYTE
    print(f"\n{len(everything)} packages, {total:,.0f} MiB.")


def closure(wanted: list[Requirement]) -> set[str]:
    """Return the names of all installed packages that some requirements lead to."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(each, "") for each in wanted]
    while waiting:
        each, extra = waiting.pop()
        if each.marker and not each.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(each.name)
        if (package := installed(name)) is None:
            continue
        found.add(name)
        for own in ("", *each.extras):
            if (name, own) not in seen:
                seen.add((name, own))
                needed = package.requires or []
                waiting += [(Requirement(text), own) for text in needed]
    return found


def installed(name: str) -> Distribution | None:
    """Return an installed package."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def size_of(name: str) -> int:
    """Return the bytes of a package's installed files."""
    files = (Path(str(each.locate())) for each in distribution(name).files or [])
    return sum(path.stat().st_size for path in files if path.is_file())


def seconds(code: str, n_times: int) -> float:
    """Return the median processor time of a fresh process that runs a line."""
    times = []
    for _ in range(n_times):
        before = os.times()
        subprocess.run(
            [sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL
        )
        after = os.times()
        used = after.children_user + after.children_system
        times.append(used - before.children_user - before.children_system)
    return statistics.median(times)


if __name__ == "__main__":
    main()
