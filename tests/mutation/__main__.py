"""Draw mutants, run the fast tests on each, write the table and the page.

    python -m mutation FOLDER [--size 300] [--seed 17] [--limit N]   # resumes
    python -m mutation FOLDER --again    # survivors, against the tests of today
    python -m mutation FOLDER --audit    # survivors, examined by the leak audit
    python -m mutation FOLDER --report   # docs/mutation.json and docs/mutation.md

Cosmic Ray and coverage lie in ``tools`` beside FOLDER, as `make mutation` puts them.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--limit", type=int)
    for action in ("again", "audit", "report"):
        parser.add_argument(f"--{action}", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Behind the locked packages, which keep their versions.
    sys.path.append(str(folder.parent / "tools"))
    sys.dont_write_bytecode = True
    if not asked.report:
        _run(asked, folder)
    from mutation.report import write_report

    write_report(ROOT, folder)


def _run(asked: argparse.Namespace, folder: Path) -> None:
    from mutation.measure import audit_survivors, copy_project, measure, measure_again

    if asked.again or not (folder / "results.jsonl").exists():
        copy_project(ROOT, folder)
    if asked.audit:
        audit_survivors(folder)
    elif asked.again:
        measure_again(folder)
    else:
        measure(folder, size=asked.size, seed=asked.seed, limit=asked.limit)


if __name__ == "__main__":
    main()
