"""Where everything lies: one frozen value per study root and market."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nse_lstm.errors import ConfigurationError


def find_root(start: Path | str | None = None) -> Path:
    """Return the project's root: the nearest folder above that holds the project.

    Serves notebooks, Papermill and the command line alike.

    Parameters
    ----------
    start : Path, optional
        Where to look from; the working directory if not given.

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


@dataclass(frozen=True)
class Paths:
    """Places of one market's artefacts under ``root``.

    ``root`` is the project for the study itself and a folder of its own for `make
    quick` and for tests, so that those never touch real results.
    """

    root: Path
    market: str
    raw_folder: Path | None = None
    """Source files used where they lie; ``data/raw/<market>`` if not given."""

    @property
    def raw(self) -> Path:
        """Source files, never edited."""
        return self.raw_folder or self.root / "data" / "raw" / self.market

    @property
    def oracle(self) -> Path:
        """What whoever knows a simulated market's plan forecasts; of no real one."""
        return self.root / "data" / "oracle" / self.market / "oracle.parquet"

    @property
    def processed(self) -> Path:
        """The panel and the tables derived from it."""
        return self.root / "data" / "processed" / self.market

    @property
    def models(self) -> Path:
        """Everything trained, selected and promoted on this market."""
        return self.root / "trained_models" / self.market

    @property
    def analysis(self) -> Path:
        """Recommendations and statistics of Phase 1."""
        return self.models / "analysis"

    @property
    def v1(self) -> Path:
        """The original model: the test year's, and a folder a year before it."""
        return self.models / "original_v1"

    @property
    def v2(self) -> Path:
        """The models of the test year, one folder a ticker."""
        return self.models / "stock_specific_v2"

    @property
    def v2_walk_forward(self) -> Path:
        """The models of the years before it: a folder a year, in it one a ticker."""
        return self.models / "walk_forward_v2"

    @property
    def v2_delay1(self) -> Path:
        """Bundles of v2 aimed at delay 1, a folder a year and stock."""
        return self.models / "stock_specific_v2_delay1"

    @property
    def refits(self) -> Path:
        """v2 fitted once more through the last session, one folder a ticker."""
        return self.models / "refit_v2"

    @property
    def ranking(self) -> Path:
        """Forecasts and rank IC of the ranking models, a folder a year."""
        return self.models / "ranking"

    @property
    def rank_lstm(self) -> Path:
        """The pooled networks and their forecasts, a folder a year."""
        return self.models / "rank_lstm"

    @property
    def ablation(self) -> Path:
        """Networks between v1 and v2, and what each change of v2 did."""
        return self.models / "ablation"

    @property
    def search(self) -> Path:
        """Settings tried before the walk-forward years, a file a forecaster."""
        return self.models / "search"

    @property
    def laboratory(self) -> Path:
        """Models of a researcher's own runs, never among the study's: scratch."""
        return self.build / "laboratory"

    @property
    def evaluation(self) -> Path:
        """Forecasts, scores and the verdict of Phase 4."""
        return self.models / "evaluation"

    @property
    def registry(self) -> Path:
        """Champions and challengers, with their log."""
        return self.models / "registry"

    @property
    def store(self) -> Path:
        """The forecast store, where it is a file."""
        return self.models / "store"

    @property
    def ledger(self) -> Path:
        """Looks at the test year and trials; kept by `make clean`."""
        return self.models / "ledger"

    @property
    def build(self) -> Path:
        """Executed notebooks and stamps: scratch."""
        return self.root / "build" / self.market

    @property
    def locks(self) -> Path:
        """Lock files of training jobs, one per bundle: scratch."""
        return self.build / "locks"

    @property
    def reports(self) -> Path:
        """HTML pages."""
        return self.root / "reports" / self.market


def csv_paths(folder: Path) -> list[Path]:
    """Return a folder's CSV files by name, whatever the case of their ending.

    Hidden files are not among them; of a missing folder there are none.
    """
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.suffix.lower() == ".csv"
        and not path.name.startswith(".")
        and path.is_file()
    ]


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Give a name to write to that becomes ``path`` only if all went well.

    No reader ever sees a half-written artefact: the rename is atomic.

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
    """Write a text file whole or not at all, with Unix line ends everywhere."""
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files whole or not at all, replacing an older one.

    Killed at the very moment of replacing it leaves no folder, never a mixture.

    Parameters
    ----------
    folder : Path
    files : mapping of str to bytes
        By plain name.
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
