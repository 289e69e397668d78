"""What Make would run again after a change; nothing is run here but `make -n`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.places import ROOT

PHASES = ["01_data_analysis", "02_architecture", "03_full_training"]
PHASES += ["04_validation", "05_deployment"]

ANATOMY = "91_anatomy_of_a_sharpe"
EVERY = [*PHASES, ANATOMY]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is missing")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Make every product of a finished build, each newer than what it is made of."""
    build, reports = tmp_path / "build/simulated", tmp_path / "reports/simulated"
    build.mkdir(parents=True)
    reports.mkdir(parents=True)
    for name in ("study.json", "raw.txt", *(f"{name}.ipynb" for name in EVERY)):
        (build / name).touch()
        if name.startswith("03"):
            (build / "audited.txt").touch()
    (build / "stocks.txt").touch()
    for name in (*EVERY, "status", "index"):
        (reports / f"{name}.html").touch()
    return tmp_path


def dry_run(root: Path, *changed: str) -> str:
    """Return what Make would do if these files had just been changed."""
    command = ["make", "-n", "reports", f"ROOT={root}"]
    # FORCE only makes the stamp look whether it changed.
    command += ["-o", "FORCE", "-o", ".venv/installed"]
    command += [word for path in changed for word in ("-W", path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def executed(output: str) -> list[str]:
    return re.findall(r"nse-lstm execute notebooks/(\w+)\.ipynb", output)


def test_with_nothing_changed_nothing_runs(built: Path) -> None:
    output = dry_run(built)
    assert executed(output) == []
    assert "nse-lstm" not in output


@pytest.mark.parametrize(
    ("changed", "phases"),
    [
        ("notebooks/04_validation.ipynb", PHASES[3:]),
        ("src/nse_lstm/data/panel.py", EVERY),
        ("src/nse_lstm/features/windows.py", EVERY),
        ("src/nse_lstm/models/architectures.py", EVERY[1:]),
        ("src/nse_lstm/evaluation/dealing.py", EVERY[1:]),
        ("src/nse_lstm/study/findings.py", EVERY),
        ("src/nse_lstm/study/rivals.py", EVERY[1:]),
        ("src/nse_lstm/study/top_names.py", EVERY[1:]),
        ("src/nse_lstm/study/evidence_tables.py", PHASES[3:]),
        ("src/nse_lstm/study/ablation.py", EVERY[1:]),
        ("src/nse_lstm/study/search.py", []),
        ("src/nse_lstm/study/audit/stages.py", PHASES[3:]),
        ("src/nse_lstm/deployment/registry.py", PHASES[4:]),
        ("src/nse_lstm/study/replay.py", PHASES[4:]),
        ("src/nse_lstm/reporting/deployment_figures.py", PHASES[4:]),
        ("data/catalogue.toml", []),
        ("src/nse_lstm/config/settings.py", EVERY),
        ("src/nse_lstm/reporting/figures.py", EVERY),
        ("src/nse_lstm/reporting/atlas_figures.py", EVERY),
        ("src/nse_lstm/study/atlas.py", EVERY),
        ("src/nse_lstm/study/anatomy/steps.py", [ANATOMY]),
        ("src/nse_lstm/reporting/anatomy_figures.py", [ANATOMY]),
        ("src/nse_lstm/cli/study.py", []),
    ],
)
def test_a_change_runs_what_depends_on_it_and_no_more(
    built: Path, changed: str, phases: list[str]
) -> None:
    assert executed(dry_run(built, changed)) == phases


def test_a_new_stamp_runs_everything(built: Path) -> None:
    stamp = built / "build/simulated/study.json"
    assert executed(dry_run(built, str(stamp))) == EVERY


def test_a_new_verdict_is_put_on_every_page(built: Path) -> None:
    verdict = built / "build/simulated/04_validation.ipynb"
    output = dry_run(built, str(verdict))
    assert executed(output) == ["05_deployment"]
    for name in EVERY:
        assert f"reports/simulated/{name}.html --verdict" in output


def test_a_page_template_renders_pages_and_executes_nothing(built: Path) -> None:
    output = dry_run(built, "src/nse_lstm/reporting/templates/style.css")
    assert executed(output) == []
    assert output.count("nse-lstm render") == len(EVERY)


def test_the_whole_study_is_the_same_pages_under_its_own_study_file(
    built: Path,
) -> None:
    command = ["make", "-n", "study", f"ROOT={built}", "TEST_YEAR=2023"]
    command += ["-o", "FORCE", "-o", ".venv/installed"]
    command += ["-W", str(built / "build/simulated/study.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert executed(done.stdout) == EVERY
    assert '--study "study.full.toml"' in done.stdout
    assert "--test-year 2023" in done.stdout
