"""What Make would run again after a change; nothing is run here but `make -n`."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

from nse_lstm.fingerprint import source_path
from nse_lstm.study.core.phases import PHASES as PHASES_DECLARED
from nse_lstm.study.core.phases import StudyPhase, needed_phases
from nse_lstm.study.tools.make_edges import make_edges, notebook_imports, sources_of

PHASES = ["01_data_analysis", "02_architecture", "03_full_training"]
PHASES += ["04_validation", "05_deployment"]

ANATOMY, CLAIMED = "91_anatomy_of_a_sharpe", "92_published_claims"
EVERY = [*PHASES, ANATOMY, CLAIMED]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is missing")


@pytest.fixture(scope="session")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Make includes, written once."""
    path = tmp_path_factory.mktemp("edges") / "edges.mk"
    path.write_text(make_edges(ROOT))
    return path


@pytest.fixture
def built(tmp_path: Path, edges: Path) -> Path:
    """Make every product of a finished build, each newer than what it is made of."""
    build, reports = tmp_path / "build/simulated", tmp_path / "reports/simulated"
    build.mkdir(parents=True)
    reports.mkdir(parents=True)
    for name in ("study.json", "raw.txt", *(f"{name}.ipynb" for name in EVERY)):
        (build / name).touch()
        if name.startswith("03"):
            (build / "audited.txt").touch()
    (build / "stocks.txt").touch()
    (tmp_path / "edges.mk").symlink_to(edges)
    for name in (*EVERY, "status", "index"):
        (reports / f"{name}.html").touch()
    return tmp_path


def dry_run(root: Path, *changed: str) -> str:
    """Return what Make would do if these files had just been changed."""
    command = ["make", "-n", "reports", f"ROOT={root}"]
    command += options(root)
    command += [word for path in changed for word in ("-W", path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def options(root: Path) -> list[str]:
    """Return options that keep Make from what is no part of the question."""
    # FORCE only makes the stamp look whether it changed.
    old = ("FORCE", ".venv/installed", str(root / "edges.mk"))
    return [
        f"EDGES={root / 'edges.mk'}",
        *(word for each in old for word in ("-o", each)),
    ]


def executed(output: str) -> list[str]:
    return re.findall(r"nse-lstm execute notebooks/(\w+)\.ipynb", output)


def test_with_nothing_changed_nothing_runs(built: Path) -> None:
    output = dry_run(built)
    assert executed(output) == []
    assert "nse-lstm" not in output


# Phase 3 does not wait for Phase 2, nor the anatomy for either's pages.
AFTER_TRAINING = ["03_full_training", ANATOMY, "04_validation", "05_deployment"]


@pytest.mark.parametrize(
    ("changed", "phases"),
    [
        ("notebooks/02_architecture.ipynb", [PHASES[1], *PHASES[3:]]),
        ("notebooks/03_full_training.ipynb", AFTER_TRAINING),
        ("notebooks/04_validation.ipynb", PHASES[3:]),
        ("src/nse_lstm/data/panel.py", EVERY),
        ("src/nse_lstm/features/windows.py", EVERY[1:-1]),
        # No network is fitted for the published claims.
        ("src/nse_lstm/models/architectures.py", EVERY[1:-1]),
        ("src/nse_lstm/study/ranking/tabular_models.py", [PHASES[1], *PHASES[3:]]),
        ("src/nse_lstm/pages/evidence_tables.py", PHASES[3:]),
        # The audit walks the search too.
        ("src/nse_lstm/study/experiments/search.py", PHASES[3:]),
        ("src/nse_lstm/study/tools/doctor.py", []),
        ("src/nse_lstm/data/download/fetch.py", []),
        ("src/nse_lstm/evaluation/oracle.py", []),
        ("src/nse_lstm/study/audit/stages.py", PHASES[3:]),
        # Each part of Phase 5 runs it again, and nothing before it.
        ("src/nse_lstm/deployment/registry.py", PHASES[4:]),
        ("src/nse_lstm/study/deployment/promotion_case.py", PHASES[4:]),
        ("src/nse_lstm/study/deployment/refit.py", PHASES[4:]),
        ("src/nse_lstm/study/deployment/runtime_check.py", PHASES[4:]),
        ("src/nse_lstm/study/deployment/forecast_store.py", PHASES[4:]),
        ("src/nse_lstm/study/deployment/replay.py", PHASES[4:]),
        ("src/nse_lstm/reporting/deployment_figures.py", PHASES[4:]),
        ("data/catalogue.toml", []),
        ("src/nse_lstm/config/settings.py", EVERY),
        ("src/nse_lstm/reporting/canvas.py", EVERY),
        ("src/nse_lstm/reporting/market_figures.py", EVERY),
        ("src/nse_lstm/study/data_analysis/market_statistics.py", EVERY),
        ("src/nse_lstm/study/anatomy/steps.py", [ANATOMY]),
        ("src/nse_lstm/reporting/anatomy_figures.py", [ANATOMY, CLAIMED]),
        ("src/nse_lstm/study/anatomy/published_claims.py", [CLAIMED]),
        ("src/nse_lstm/cli/study.py", []),
    ],
)
def test_a_change_runs_what_depends_on_it_and_no_more(
    built: Path, changed: str, phases: list[str]
) -> None:
    assert (ROOT / changed).is_file()
    assert sorted(executed(dry_run(built, changed))) == sorted(phases)


@pytest.mark.parametrize(
    "module", ["reporting/readings.py", "reporting/strategy_readings.py"]
)
def test_the_words_of_a_page_are_written_again(built: Path, module: str) -> None:
    assert executed(dry_run(built, f"src/nse_lstm/{module}"))


LOADED = """
import importlib, json, os, sys
import matplotlib.pyplot, numpy, pandas, scipy.stats
for name, modules in json.loads(sys.argv[1]).items():
    if not os.fork():
        for module in modules:
            importlib.import_module(module)
        loaded = [m for m in sys.modules if m.split(".")[0] == "nse_lstm"]
        print(json.dumps([name, loaded]), flush=True)
        os._exit(0)
    os.wait()
"""


def first_line(*words: str, **environment: str) -> str:
    """Return Make's first answer, whatever it says of the build."""
    command = ["make", "-n", "reports", *words, "-o", ".venv/installed"]
    kept = {name: each for name, each in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        command, cwd=ROOT, env=kept | environment, capture_output=True, text=True
    )
    return (done.stderr + done.stdout).splitlines()[0]


def test_only_the_command_line_and_prefixed_variables_are_read(built: Path) -> None:
    words = [f"ROOT={built}", *options(built)]
    generic = {"MARKET": "nse", "RAW": "/nowhere", "TEST_YEAR": "1999", "ROOT": "/"}
    assert first_line(*words, **generic) == first_line(*words)
    assert "--market nse" in first_line(*words, NSE_LSTM_MARKET="nse")
    both = first_line(*words, "MARKET=nse", NSE_LSTM_MARKET="other")
    assert "--market nse" in both


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("MARTKE=nse", "Did you mean MARKET?"),
        ("market=nse", "Did you mean MARKET?"),
        ("TESTYEAR=2023", "Did you mean TEST_YEAR?"),
        ("QQQQ=1", "Known: MARKET, TEST_YEAR"),
    ],
)
def test_an_unknown_variable_is_refused(word: str, advice: str) -> None:
    answer = first_line(word)
    assert f"Unknown variable {word.split('=')[0]}." in answer and advice in answer


@pytest.mark.parametrize("verb", ["score", "monitor", "daily"])
def test_without_a_study_nothing_is_built_unasked(tmp_path: Path, verb: str) -> None:
    command = ["make", verb, f"ROOT={tmp_path}", "MARKET=nse", *options(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and list(tmp_path.iterdir()) == []
    assert done.stderr.count("nse has no finished study") == 1
    assert "make all MARKET=nse" in done.stderr


def test_the_help_explains_every_variable() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    declared = re.search(r"^VARIABLES := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert declared
    listed = re.findall(r"^  ([A-Z_]+) +\w", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(declared[1].split())


def test_without_a_market_the_study_files_default_is_meant(
    built: Path, tmp_path: Path
) -> None:
    study = tmp_path / "mine.toml"
    study.write_text('base = "study.toml"\ndefault_market = "nse"\n')
    words = [f"ROOT={built}", *options(built), f"STUDY={study}"]
    assert "--market nse" in first_line(*words)
    assert "simulated" in first_line(f"ROOT={built}", *options(built))


def test_the_daily_run_scores_and_monitors(built: Path) -> None:
    command = ["make", "-n", "daily", f"ROOT={built}", *options(built)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "nse-lstm score" in done.stdout and "nse-lstm monitor" in done.stdout


def test_names_and_dates_of_source_files_do_not_reach_make(
    built: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "a folder = with $signs"
    raw.mkdir()
    late = raw / "NSE_data_all_stocks_2024 (1).csv"
    late.touch()
    os.utime(late, (4e9, 4e9))
    command = ["make", "-n", "reports", f"ROOT={built}", *options(built)]
    command.append(f"RAW={raw}".replace("$", "$$"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert executed(done.stdout) == []


@pytest.mark.slow
def test_whatever_a_notebook_loads_is_among_its_prerequisites() -> None:
    notebooks = [f"notebooks/{name}.ipynb" for name in (*EVERY, "90_stock")]
    asked = {name: notebook_imports(ROOT / name) for name in notebooks}
    command = [sys.executable, "-c", LOADED, json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = dict(json.loads(line) for line in done.stdout.splitlines())
    assert sorted(found) == sorted(notebooks)
    for name, modules in found.items():
        made_from = {ROOT / each for each in sources_of([name], ROOT)}
        assert len(modules) > 20
        assert {source_path(module) for module in modules} <= made_from


def test_phases_run_side_by_side_only_where_neither_reads_the_other() -> None:
    for phase in PHASES_DECLARED:
        for other in PHASES_DECLARED:
            if phase is not other and set(phase.reads) & set(other.writes):
                ordered = {*needed(phase), *needed(other)}
                assert other in needed(phase) or phase in needed(other), ordered


def needed(phase: StudyPhase) -> set[StudyPhase]:
    """Return all phases before a phase, those that they need too."""
    found: set[StudyPhase] = set()
    for each in needed_phases(phase):
        found |= {each, *needed(each)}
    return found


def test_a_new_stamp_runs_everything(built: Path) -> None:
    stamp = built / "build/simulated/study.json"
    assert sorted(executed(dry_run(built, str(stamp)))) == sorted(EVERY)


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
    command += options(built)
    command += ["-W", str(built / "build/simulated/study.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(executed(done.stdout)) == sorted(EVERY)
    assert '--study "study.full.toml"' in done.stdout
    assert "--test-year 2023" in done.stdout
