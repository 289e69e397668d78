import hashlib
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from nse_lstm.deployment import locks
from nse_lstm.deployment.locks import LOCK, locked
from nse_lstm.deployment.promoted_bundles import check_bundle
from nse_lstm.deployment.registry import (
    history,
    promote,
    read_registry,
    retire,
    roll_back,
)
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.bundles import DIGESTED

EVIDENCE = "e" * 64
VERSION = "1" * 64
WHEN = datetime(2024, 1, 2, 12, 30, tzinfo=UTC)
PERSISTENCE = {
    "ticker": "AAA",
    "stage": "champion",
    "model": "persistence",
    "version": "persistence",
    "bundle": "",
    "evidence": EVIDENCE,
    "why": "nothing beat it",
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_bundle(models, ticker="AAA", version=VERSION):
    """Write files that agree with each other; no network is inside."""
    folder = models / "v2" / ticker
    folder.mkdir(parents=True)
    digests = {}
    for name in DIGESTED:
        (folder / name).write_bytes(name.encode())
        digests[name] = sha256(name.encode())
    about = {"ticker": ticker, "architecture": "v2", "version": version}
    (folder / "metadata.json").write_text(json.dumps({**about, "digests": digests}))
    return f"v2/{ticker}"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models" / "registry"


@pytest.fixture
def v2(folder):
    bundle = make_bundle(folder.parent)
    changes = {"model": "v2", "version": VERSION, "bundle": bundle}
    return {**PERSISTENCE, **changes, "why": "lower error"}


def test_a_promoted_model_is_what_the_registry_says(folder, v2):
    entry = promote(folder, **v2)
    assert read_registry(folder) == {"AAA": {"champion": entry}}
    metadata = (folder.parent / "v2/AAA/metadata.json").read_bytes()
    assert entry.digest == sha256(metadata)
    assert (entry.model, entry.version) == ("v2", VERSION)
    assert entry.bundle == f"registry/bundles/{entry.digest}"


def test_a_registry_that_was_never_written_is_empty(folder):
    assert read_registry(folder) == {}
    assert history(folder).empty


def test_promoting_the_same_again_is_logged_once(folder):
    promote(folder, **PERSISTENCE, when=WHEN)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    promote(folder, **PERSISTENCE, when=WHEN + timedelta(days=1))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_other_evidence_is_another_promotion(folder):
    promote(folder, **PERSISTENCE)
    promote(folder, **{**PERSISTENCE, "evidence": "f" * 64})
    assert history(folder)["evidence"].tolist() == [EVIDENCE, "f" * 64]
    assert read_registry(folder)["AAA"]["champion"].evidence == "f" * 64


def test_the_log_says_when_in_utc_and_the_registry_says_no_time(folder):
    nairobi = timezone(timedelta(hours=3))
    promote(folder, **PERSISTENCE, when=datetime(2024, 1, 2, 15, 30, tzinfo=nairobi))
    assert history(folder)["when"].tolist() == ["2024-01-02T12:30:00+00:00"]
    assert "2024" not in (folder / "registry.json").read_text()


def test_the_same_promotions_give_the_same_registry_bytes(folder, tmp_path):
    for place in (folder, tmp_path / "other" / "registry"):
        promote(place, **PERSISTENCE)
        promote(place, **{**PERSISTENCE, "ticker": "BBB"})
    other = tmp_path / "other" / "registry" / "registry.json"
    assert other.read_bytes() == (folder / "registry.json").read_bytes()


def test_a_model_leaves_the_stage_it_stood_in(folder, v2):
    promote(folder, **PERSISTENCE)
    promote(folder, **{**v2, "stage": "challenger"})
    promote(folder, **v2)
    stages = read_registry(folder)["AAA"]
    # v2 took persistence's place and is no longer its own challenger.
    assert {stage: entry.model for stage, entry in stages.items()} == {"champion": "v2"}
    assert history(folder)["seq"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"stage": "best"}, "`stage`"),
        ({"model": "v1"}, "`model`"),
        ({"why": "  "}, "`why`"),
        ({"evidence": "e" * 63}, "`evidence`"),
        ({"evidence": "E" * 64}, "`evidence`"),
        ({"ticker": "../AAA"}, "`ticker`"),
        ({"ticker": "AAA/B"}, "`ticker`"),
        ({"version": VERSION}, "`version`"),
        ({"bundle": "v2/AAA"}, "`bundle`"),
        ({"when": datetime(2024, 1, 2)}, "time zone"),
    ],
)
def test_a_promotion_that_may_not_be_is_refused_and_leaves_nothing(
    folder, change, named
):
    with pytest.raises(ConfigurationError, match=named):
        promote(folder, **{**PERSISTENCE, **change})
    assert not folder.exists()


@pytest.mark.parametrize(
    "bundle", ["", "../AAA", "v2/../../AAA", "/v2/AAA", "v2\\AAA", "./v2/.hidden", "~"]
)
def test_a_bundle_outside_the_models_is_refused(folder, v2, bundle):
    with pytest.raises(ConfigurationError, match="`bundle`"):
        promote(folder, **{**v2, "bundle": bundle})


def test_a_link_out_of_the_models_is_refused(folder, v2, tmp_path):
    make_bundle(tmp_path / "elsewhere")
    (folder.parent / "link").symlink_to(tmp_path / "elsewhere" / "v2" / "AAA")
    with pytest.raises(ConfigurationError, match="must lie below"):
        promote(folder, **{**v2, "bundle": "link"})


def test_a_model_without_a_version_s_hash_is_refused(folder, v2):
    with pytest.raises(ConfigurationError, match="`version`"):
        promote(folder, **{**v2, "version": "persistence"})


@pytest.mark.parametrize(
    "change", [{"version": "2" * 64}, {"ticker": "BBB"}, {"bundle": "v2/CCC"}]
)
def test_a_bundle_that_is_another_model_or_missing_is_refused(folder, v2, change):
    with pytest.raises(ArtefactError, match="v2"):
        promote(folder, **{**v2, **change})
    assert read_registry(folder) == {}


def test_a_changed_bundle_is_not_promoted(folder, v2):
    (folder.parent / "v2/AAA/model.keras").write_bytes(b"other weights")
    with pytest.raises(ArtefactError, match=r"model\.keras unchanged"):
        promote(folder, **v2)


def test_a_registry_changed_by_hand_is_refused_by_reader_and_writer(folder):
    promote(folder, **PERSISTENCE)
    state = folder / "registry.json"
    state.write_text(state.read_text().replace("nothing beat it", "it is mine"))
    with pytest.raises(ArtefactError, match=r"AAA champion is .*nothing beat it"):
        read_registry(folder)
    with pytest.raises(ArtefactError, match="it is mine"):
        promote(folder, **{**PERSISTENCE, "ticker": "BBB"})
    assert len(history(folder)) == 1


@pytest.mark.parametrize("text", ["[]x", "[1]", '{"AAA": "x"}', "{}"])
def test_a_registry_that_is_something_else_is_refused(folder, text):
    promote(folder, **PERSISTENCE)
    (folder / "registry.json").write_text(text)
    with pytest.raises(ArtefactError, match=r"registry\.json"):
        read_registry(folder)


def test_a_promotion_cut_off_between_the_files_is_finished_by_the_next(folder):
    promote(folder, **PERSISTENCE)
    before = (folder / "registry.json").read_bytes()
    promote(folder, **{**PERSISTENCE, "ticker": "BBB"})
    (folder / "registry.json").write_bytes(before)
    with pytest.raises(ArtefactError, match="BBB champion"):
        read_registry(folder)
    promote(folder, **{**PERSISTENCE, "ticker": "BBB"})
    assert sorted(read_registry(folder)) == ["AAA", "BBB"]
    assert len(history(folder)) == 2


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[1][:-9]], 2),
        (lambda lines: [lines[0], lines[1].replace('"seq": 2', '"seq": 9')], 2),
        (lambda lines: [lines[0], lines[1].replace("champion", "best")], 2),
        (lambda lines: [lines[0].replace('"why"', '"reason"'), lines[1]], 1),
        (lambda lines: [lines[0], "null\n"], 2),
    ],
)
def test_a_damaged_log_is_refused_naming_the_line(folder, damage, line):
    promote(folder, **PERSISTENCE)
    promote(folder, **{**PERSISTENCE, "ticker": "BBB"})
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(damage(lines)))
    with pytest.raises(ArtefactError, match=f"line {line}"):
        read_registry(folder)


def test_promotions_at_once_are_all_kept(folder):
    tickers = [f"T{number}" for number in range(12)]
    barrier = threading.Barrier(4)

    def run(ticker):
        if int(ticker[1:]) < 4:
            barrier.wait()
        return promote(folder, **{**PERSISTENCE, "ticker": ticker})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, tickers))
    assert sorted(read_registry(folder)) == sorted(tickers)
    assert history(folder)["seq"].tolist() == list(range(1, 13))
    assert {path.name for path in folder.iterdir()} == {
        *("log.jsonl", "registry.json"),
        LOCK,
    }


def test_a_registry_held_for_too_long_is_an_error(folder, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.1)
    with (
        locked(folder),
        pytest.raises(ArtefactError, match="held by another process"),
    ):
        promote(folder, **PERSISTENCE)


def test_a_retired_model_stands_nowhere_but_stays_in_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    entry = {"model": "persistence", "version": "persistence", "bundle": ""}
    about = {"evidence": "e" * 64, "why": "it won"}
    promote(folder, ticker="SCOM", stage="champion", **entry, **about)
    promote(folder, ticker="KCB", stage="champion", **entry, **about)
    retire(folder, ticker="KCB", stage="champion", evidence="f" * 64, why="it lost")
    assert list(read_registry(folder)) == ["SCOM"]
    assert history(folder)["stage"].tolist() == ["champion", "champion", "retired"]
    promote(folder, ticker="KCB", stage="champion", **entry, **about)
    assert sorted(read_registry(folder)) == ["KCB", "SCOM"]


def test_nothing_can_be_retired_twice_or_promoted_to_retirement(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "registry"
    with pytest.raises(ConfigurationError, match="no champion of SCOM"):
        retire(folder, ticker="SCOM", stage="champion", evidence="e" * 64, why="gone")
    with pytest.raises(ConfigurationError, match="`stage` must be one of"):
        promote(
            folder,
            ticker="SCOM",
            stage="retired",
            model="persistence",
            version="persistence",
            bundle="",
            evidence="e" * 64,
            why="w",
        )


def put_version(folder, version, stage="champion", **given):
    """Train another version in the same folder, as `make` does, and promote it."""
    models = folder.parent
    if (models / "v2" / "AAA").exists():
        for path in (models / "v2" / "AAA").iterdir():
            path.unlink()
        (models / "v2" / "AAA").rmdir()
    about = {
        "model": "v2",
        "version": version,
        "bundle": make_bundle(models, "AAA", version),
    }
    return promote(folder, **{**PERSISTENCE, **about, "stage": stage, **given})


def test_what_serves_survives_the_folder_it_was_trained_in(folder):
    first = put_version(folder, "1" * 64)
    put_version(folder, "2" * 64, stage="challenger")
    stages = read_registry(folder)["AAA"]
    assert stages["champion"] == first
    assert {entry.version for entry in stages.values()} == {"1" * 64, "2" * 64}
    for entry in stages.values():
        check_bundle(entry, folder.parent)


def test_equal_bundles_are_kept_once(folder):
    put_version(folder, VERSION, stage="candidate")
    put_version(folder, VERSION, stage="champion")
    assert len(list((folder / "bundles").iterdir())) == 1


@pytest.mark.parametrize("name", [*DIGESTED, "metadata.json"])
def test_a_kept_bundle_that_was_tampered_with_is_named_and_not_promoted_again(
    folder, name
):
    entry = put_version(folder, VERSION)
    path = folder.parent / entry.bundle / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtefactError, match=f"champion of AAA .*{name}"):
        check_bundle(entry, folder.parent)
    with pytest.raises(ArtefactError, match=name):
        put_version(folder, VERSION, stage="challenger")
    assert len(history(folder)) == 1


def test_a_copy_that_was_cut_short_is_made_again(folder):
    entry = put_version(folder, VERSION, stage="candidate")
    kept = folder.parent / entry.bundle
    kept.rename(kept.with_name(f".{kept.name}.1.aside"))
    assert put_version(folder, VERSION, stage="challenger").bundle == entry.bundle
    check_bundle(entry, folder.parent)


def test_a_promotion_that_lost_a_race_is_told_who_won(folder):
    put_version(folder, "1" * 64, replaces="")
    put_version(folder, "2" * 64, replaces="1" * 64, why="it shadowed well")
    with pytest.raises(ArtefactError, match=r"promotion 2 of .*it shadowed well"):
        promote(folder, **PERSISTENCE, replaces="1" * 64)
    with pytest.raises(ArtefactError, match="replace no model as the champion"):
        promote(folder, **PERSISTENCE, replaces="")
    with pytest.raises(ArtefactError, match="which was never promoted"):
        promote(folder, **{**PERSISTENCE, "ticker": "BBB"}, replaces="1" * 64)
    assert read_registry(folder)["AAA"]["champion"].version == "2" * 64


def test_of_threads_that_replace_the_same_champion_one_wins(folder):
    promote(folder, **PERSISTENCE, when=WHEN)
    barrier = threading.Barrier(6)

    def replace_it(number):
        about = {"model": "v2", "version": f"{number}" * 64}
        about |= {"bundle": f"v2/from{number}", "why": f"number {number}"}
        barrier.wait()
        try:
            promote(folder, **{**PERSISTENCE, **about}, replaces="persistence")
        except ArtefactError as error:
            return str(error)
        return ""

    for number in range(6):
        make_rival(folder.parent, f"{number}")
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(replace_it, range(6)))
    assert told.count("") == 1
    winner = read_registry(folder)["AAA"]["champion"]
    assert all(winner.why in words for words in told if words)
    assert len(history(folder)) == 2


def make_rival(models, number):
    """Another model of AAA in a folder of its own."""
    bundle = make_bundle(models, f"from{number}", number * 64)
    path = models / bundle / "metadata.json"
    path.write_text(path.read_text().replace(f"from{number}", "AAA"))


RACE = """
import sys, pathlib
from nse_lstm.deployment.registry import promote
from nse_lstm.errors import ArtefactError
folder, number = pathlib.Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
try:
    promote(folder, ticker="AAA", stage="champion", model="v2", version=number * 64,
            bundle="v2/from" + number, evidence="e" * 64, why="number " + number,
            replaces="persistence")
except ArtefactError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.slow
def test_of_two_processes_that_promote_at_once_one_wins_and_one_is_told(folder):
    promote(folder, **PERSISTENCE)
    for number in "12":
        make_rival(folder.parent, number)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [
        subprocess.Popen([sys.executable, "-c", RACE, str(folder), number], **pipes)
        for number in "12"
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    told = [process.communicate("go\n")[0] for process in both]
    assert sorted(process.returncode for process in both) == [0, 3]
    winner = read_registry(folder)["AAA"]["champion"]
    assert winner.why in "".join(told)
    assert len(history(folder)) == 2


@pytest.mark.slow
def test_a_promotion_killed_between_log_and_state_is_finished_by_the_next(folder):
    promote(folder, **PERSISTENCE)
    code = (
        "import os, pathlib, signal\n"
        "from nse_lstm.deployment import registry\n"
        "kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "registry.write_state = kill\n"
        f"registry.promote(pathlib.Path({str(folder)!r}), **{PERSISTENCE!r} "
        "| {'ticker': 'BBB'})\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(ArtefactError, match="BBB champion"):
        read_registry(folder)
    promote(folder, **{**PERSISTENCE, "ticker": "CCC"})
    assert sorted(read_registry(folder)) == ["AAA", "BBB", "CCC"]


def test_a_roll_back_returns_to_the_champion_before_and_then_to_the_one_before_it(
    folder,
):
    promote(folder, **PERSISTENCE)
    put_version(folder, "1" * 64)
    put_version(folder, "2" * 64)
    back = [roll_back(folder, ticker="AAA", why="alarm") for _ in range(2)]
    assert [entry.version for entry in back] == ["1" * 64, "persistence"]
    assert read_registry(folder) == {"AAA": {"champion": back[1]}}
    assert history(folder)["way"].tolist() == ["selection"] * 3 + ["rollback"] * 2
    assert history(folder)["why"].tolist()[-1] == "alarm"
    with pytest.raises(ConfigurationError, match="earlier champion of AAA"):
        roll_back(folder, ticker="AAA", why="once more")


def test_a_roll_back_brings_a_retired_champion_back(folder):
    put_version(folder, VERSION)
    retire(folder, ticker="AAA", stage="champion", evidence=EVIDENCE, why="gone")
    roll_back(folder, ticker="AAA", why="too hasty")
    assert read_registry(folder)["AAA"]["champion"].version == VERSION


def test_a_roll_back_to_a_changed_bundle_is_refused(folder):
    entry = put_version(folder, VERSION)
    promote(folder, **PERSISTENCE)
    (folder.parent / entry.bundle / "model.keras").write_bytes(b"other")
    with pytest.raises(ArtefactError, match=r"champion of AAA .*model\.keras"):
        roll_back(folder, ticker="AAA", why="alarm")
    assert read_registry(folder)["AAA"]["champion"].model == "persistence"


def test_a_log_of_before_the_ways_is_read_as_it_was_written(folder):
    promote(folder, **PERSISTENCE)
    assert "way" not in (folder / "log.jsonl").read_text()
    assert "way" not in (folder / "registry.json").read_text()
    promote(folder, **{**PERSISTENCE, "ticker": "BBB", "way": "override"})
    assert read_registry(folder)["BBB"]["champion"].way == "override"
