"""Open a study as it was built: its study file, market, source files, test year."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nse_lstm.config import (
    Study,
    configuration_hash,
    read_defaults,
    study_document,
)
from nse_lstm.errors import ArtefactError, ConfigurationError, StudyError
from nse_lstm.json_files import read_json
from nse_lstm.paths import find_root
from nse_lstm.study.core.suggestions import did_you_mean
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.laboratory.run_settings import check_whole
from nse_lstm.study.tools.make_command import make_command

DEFAULT_STUDY = "study.toml"
QUICK = "build/quick"
DECIDING = ("market", "test_year", "simulation", "universe", "folds", "cross_section")
"""Settings that decide which data a year holds and whether it is judged; the first
ranked year is one too."""


@dataclass(frozen=True)
class _Place:
    """Folder, market and files that a laboratory is opened on."""

    root: str
    folder: Path
    market: str
    raw: str
    test_year: int

    def workspace(self, study: str, *, seed: int = 0) -> Workspace:
        return open_workspace(
            self.root,
            study=study,
            market=self.market,
            raw=self.raw,
            test_year=self.test_year,
            seed=seed,
        )


def find_workspace(
    root: str, *, study: str, market: str, raw: str, test_year: int
) -> Workspace:
    """Open the study that was built under a folder, or say what to do.

    Parameters
    ----------
    root : str
        Folder of the artefacts; the project itself if empty.
    study : str
        Study file; the one that the folder was built with if empty.
    market : str
        The one that was built there if empty.
    raw : str
        Folder of the source files; the one that was read if empty.
    test_year : int
        0 is the one that the folder was built with.

    Raises
    ------
    ConfigurationError
        If the folder or the source files are not there, or the study is another one.
    ArtefactError
        If Phase 1 has not run for that market.
    """
    folder = find_root() / root
    if not folder.is_dir():
        near = did_you_mean(root, _built_roots())
        raise ConfigurationError(
            f"`root` must be a folder with a built study. Received: {root!r}, which is "
            f"not there{near or '. Build the small study with `make quick`'}"
        )
    check_whole("test_year", test_year, 2023)
    built = _built_markets(folder)
    chosen = market or _only_market(built, root)
    if raw and not (find_root() / raw).is_dir():
        known = chosen in built
        raise ConfigurationError(
            f"`raw` must be the folder of the source files. Received: {raw!r}, which "
            "is not there" + (". Leave it out: Phase 1 has read them" if known else "")
        )
    stamp = _read_stamp(folder, chosen)
    place = _Place(
        root,
        folder,
        chosen,
        raw or _raw_of(stamp),
        test_year or int(stamp.get("study", {}).get("test_year", 0)),
    )
    found = place.workspace(study) if study else _find_study(place, stamp)
    if chosen not in built:
        raise ArtefactError(_not_built(place, built, study))
    if study and stamp:
        _check_same(found.study, stamp, place, study)
    return found


def _built_markets(folder: Path) -> list[str]:
    """Return the markets that Phase 1 has read under a folder."""
    found = (folder / "data" / "processed").glob("*/market.json")
    return sorted(path.parent.name for path in found)


def _built_roots() -> list[str]:
    return _roots_of("*") or [QUICK]


def _roots_of(market: str) -> list[str]:
    """Return the folders under build/ where Phase 1 has read a market."""
    project = find_root()
    found = (project / "build").glob(f"*/data/processed/{market}/market.json")
    return sorted({str(path.parents[3].relative_to(project)) for path in found})


def _only_market(built: list[str], root: str) -> str:
    if len(built) == 1:
        return built[0]
    usual = read_defaults(find_root() / DEFAULT_STUDY).market
    if built and usual not in built:
        raise ConfigurationError(
            f"`market` must be one of {', '.join(built)}, which were built under "
            f"{root or 'the project'}. Received: none"
        )
    return usual


def _read_stamp(folder: Path, market: str) -> dict[str, Any]:
    """Return the settings that Make stamped on a build; nothing without Make."""
    path = folder / "build" / market / "study.json"
    return dict(read_json(path)) if path.is_file() else {}


def _raw_of(stamp: dict[str, Any]) -> str:
    """Return the folder of the source files that were read, if it is still there."""
    folders = {str(Path(each).parent) for each in stamp.get("raw_files", {})}
    found = folders.pop() if len(folders) == 1 else ""
    return found if found and Path(found).is_dir() else ""


def _find_study(place: _Place, stamp: dict[str, Any]) -> Workspace:
    """Return the study whose settings the build was stamped with."""
    if not stamp:
        own = place.folder / DEFAULT_STUDY
        return place.workspace(str(own) if own.is_file() else DEFAULT_STUDY)
    alike = []
    for candidate in _candidates(place, int(stamp["study"]["seed"])):
        if configuration_hash(candidate.study) == stamp["configuration"]:
            return candidate
        if not _differences(candidate.study, stamp):
            alike.append(candidate)
    if not alike:
        files = ", ".join(_study_files(place))
        raise ConfigurationError(
            f"Expected the study file that {place.root or 'the project'} was built "
            f"with for {place.market}. Received: none of {files} "
            "agrees with it. Name it with `study=`, or build again"
        )
    return alike[0]


def _candidates(place: _Place, seed: int) -> Iterator[Workspace]:
    for path in _study_files(place):
        try:
            yield place.workspace(path, seed=seed)
        except StudyError:
            continue  # of other markets, or not valid any more


def _study_files(place: _Place) -> list[str]:
    project = find_root()
    beside = [] if place.folder == project else sorted(place.folder.glob("study*.toml"))
    own = sorted(project.glob("study*.toml"))
    return [*map(str, beside), *(path.name for path in own)]


def _differences(study: Study, stamp: dict[str, Any]) -> list[str]:
    """Return the deciding settings in which a study is not the built one."""
    document, built = study_document(study), stamp["study"]
    found = [name for name in DECIDING if document[name] != built.get(name)]
    first = [each["tabular"]["first_year"] for each in (document, built)]
    return found if first[0] == first[1] else [*found, "tabular.first_year"]


def _check_same(study: Study, stamp: dict[str, Any], place: _Place, named: str) -> None:
    differ = _differences(study, stamp)
    if differ:
        raise ConfigurationError(
            f"{place.root or 'The project'} was built for {place.market} with other "
            f"settings than {named}: {', '.join(differ)} differ. A year could be free "
            "there and counted here. Leave `study` out"
        )


def _not_built(place: _Place, built: list[str], study: str) -> str:
    where = place.root or "the project's own folders"
    command = (
        make_command("quick", {"market": place.market, "raw": place.raw})
        if place.root.rstrip("/") == QUICK
        else make_command(
            f"{place.root.rstrip('/') + '/' if place.root else ''}build/{place.market}"
            "/01_data_analysis.ipynb",
            {
                "root": place.root,
                "market": place.market,
                "raw": place.raw,
                "study": study or DEFAULT_STUDY,
            },
        )
    )
    there = ", ".join(built) or "none"
    instead = [f"open market={built[0]!r}"] if built else []
    if not place.root and (other := _roots_of(place.market)):
        instead = [f'open_laboratory("{other[0]}"), which is built']
    return (
        f"Expected the market {place.market} as Phase 1 reads it in {where}. Received: "
        f"{there}. Build it with `{command}`"
        + "".join(f", or {way}" for way in instead)
    )
