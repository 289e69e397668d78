"""Paths of one market's data, models and reports, below one study root."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nse_lstm.errors import ConfigurationError


def find_root(start: Path | str | None = None) -> Path:
    """Find the project's root folder, from any folder inside the project.

    Parameters
    ----------
    start : Path, optional
        Folder to start from, by default the working directory.

    Raises
    ------
    ConfigurationError
        If no folder above ``start`` holds ``pyproject.toml`` and ``src/nse_lstm``.
    """
    here = Path(start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "src/nse_lstm").is_dir():
            return folder
    raise ConfigurationError(
        f"Expected to be inside the nse-lstm project. Received: {here}, "
        "with no pyproject.toml and src/nse_lstm in it or above it"
    )


SOURCED = "sourced"
"""Folder of a market's own sourced tables, beside its files."""
FETCHED = "fetched.json"
"""Record of a download beside the files: it looks like data and is none."""
SPREADSHEET = "a spreadsheet: save it as CSV UTF-8 (comma delimited)"
ARCHIVE = "an archive: unpack it here"
DATA_ENDINGS = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), SPREADSHEET),
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".tgz"), ARCHIVE),
    **dict.fromkeys((".bz2", ".xz", ".zst", ".gz"), "compressed: unpack it here"),
    **dict.fromkeys(
        (".tsv", ".tab", ".parquet", ".json", ".html", ".htm"),
        "not CSV: export it as CSV with commas",
    ),
}
"""What to do with a file that looks like data, by its ending."""


@dataclass(frozen=True)
class Paths:
    """Paths of one market's artefacts under ``root``.

    ``root`` is the project for the study itself. `make quick` and tests use folders of
    their own, so they never touch real results.
    """

    root: Path
    market: str
    raw_folder: Path | None = None
    """Folder of the source files, by default ``data/raw/<market>``."""

    @property
    def raw(self) -> Path:
        """Folder of the source files, which are never edited."""
        return self.raw_folder or self.root / "data" / "raw" / self.market

    @property
    def oracle(self) -> Path:
        """File of the oracle's forecasts, for a simulated market only."""
        return self.root / "data" / "oracle" / self.market / "oracle.parquet"

    @property
    def processed(self) -> Path:
        """Folder of the panel and the tables derived from it."""
        return self.root / "data" / "processed" / self.market

    @property
    def models(self) -> Path:
        """Folder of everything trained, selected and promoted on this market."""
        return self.root / "trained_models" / self.market

    @property
    def analysis(self) -> Path:
        """Folder of Phase 1's recommendations and statistics."""
        return self.models / "analysis"

    @property
    def v1(self) -> Path:
        """Folder of v1 for the test year, with one folder per earlier year."""
        return self.models / "original_v1"

    @property
    def v2(self) -> Path:
        """Folder of v2 for the test year, one folder per stock."""
        return self.models / "stock_specific_v2"

    @property
    def v2_walk_forward(self) -> Path:
        """Folder of v2 for the walk-forward years, one folder per year and stock."""
        return self.models / "walk_forward_v2"

    @property
    def refits(self) -> Path:
        """Folder of v2 refitted through the last session, one folder per stock."""
        return self.models / "refit_v2"

    @property
    def stock_refits(self) -> Path:
        """Folder of the stock LSTM refitted through the last session."""
        return self.models / "refit_stock_lstm"

    @property
    def ranking(self) -> Path:
        """Folder of the ranking models' forecasts and rank IC, one folder per year."""
        return self.models / "ranking"

    @property
    def rank_lstm(self) -> Path:
        """Folder of the rank LSTM and its forecasts, one folder per year."""
        return self.models / "rank_lstm"

    @property
    def order_savings(self) -> Path:
        """Measured savings of timed orders, which advice rests on."""
        return self.evaluation / "order_savings.parquet"

    @property
    def latest_ranking(self) -> Path:
        """Folder of the ranking models' forecasts from the last session."""
        return self.models / "latest_ranking"

    @property
    def stock_lstm(self) -> Path:
        """Folder of the stock LSTM, one folder per year: the pool and every stock."""
        return self.models / "stock_lstm"

    @property
    def ablation(self) -> Path:
        """Folder of the ablation's networks and results."""
        return self.models / "ablation"

    @property
    def search(self) -> Path:
        """Folder of the hyperparameter search, one file per forecaster."""
        return self.models / "search"

    @property
    def laboratory(self) -> Path:
        """Scratch folder of laboratory runs, apart from the study's models."""
        return self.build / "laboratory"

    @property
    def evaluation(self) -> Path:
        """Folder of Phase 4's forecasts, scores and verdict."""
        return self.models / "evaluation"

    @property
    def registry(self) -> Path:
        """Folder of the registry: champions, challengers and their log."""
        return self.models / "registry"

    @property
    def store(self) -> Path:
        """Folder of the forecast store, if it is a file."""
        return self.models / "store"

    @property
    def ledger(self) -> Path:
        """Folder of trials and test-year evaluations; kept by `make clean`."""
        return self.models / "ledger"

    @property
    def build(self) -> Path:
        """Scratch folder of executed notebooks and stamps."""
        return self.root / "build" / self.market

    @property
    def locks(self) -> Path:
        """Lock files of training jobs, one per bundle: scratch."""
        return self.build / "locks"

    @property
    def reports(self) -> Path:
        """Folder of the HTML pages."""
        return self.root / "reports" / self.market


def csv_paths(folder: Path) -> list[Path]:
    """Return a folder's CSV files by name, compressed ones too, without hidden files.

    The ending ``.csv`` or ``.csv.gz`` may have any case. A missing folder has none.
    """
    return [path for path in _entries(folder) if _is_csv(path) and path.is_file()]


def unread_paths(folder: Path) -> dict[Path, str]:
    """Return what looks like data in a folder of CSV files and is not read.

    Parameters
    ----------
    folder : Path
        A missing one has nothing.

    Returns
    -------
    dict of Path to str
        What to do, by path.
    """
    found = {}
    for path in _entries(folder):
        if path.is_symlink() and not path.exists():
            found[path] = "a broken link: restore the file that it points to"
        elif path.is_dir():
            is_read = path.name == SOURCED
            if not is_read and any(_is_csv(each) for each in path.rglob("*")):
                found[path] = "a folder: move its CSV files up beside the others"
        elif path.name == FETCHED or _is_csv(path):
            continue
        elif path.suffix.lower() in DATA_ENDINGS:
            found[path] = DATA_ENDINGS[path.suffix.lower()]
    return found


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder by name, without hidden entries."""
    there = folder.iterdir() if folder.is_dir() else ()
    shown = (path for path in there if not path.name.startswith("."))
    return sorted(shown, key=lambda path: path.name)


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Write a file atomically: yield a temporary path that is renamed on success.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.txt"
    >>> with write_aside(path) as aside:
    ...     _ = aside.write_text("whole")
    >>> path.read_text()
    'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, with Unix line ends and in UTF-8.

    Parameters
    ----------
    path : Path
    text : str
    """
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files atomically, replacing an older one.

    A crash during the replacement leaves no folder, never a mixture.

    Parameters
    ----------
    folder : Path
    files : mapping of str to bytes
        Contents by file name.
    """
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for name, content in files.items():
            (aside / name).write_bytes(content)
        # No rename replaces a folder that holds files.
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
