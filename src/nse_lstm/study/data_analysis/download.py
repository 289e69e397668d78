"""`make fetch`: download the public data sets of the catalogue into the raw folder."""

from collections.abc import Callable
from pathlib import Path

from nse_lstm.data.download.catalogue import read_catalogue, years_of
from nse_lstm.data.download.fetch import SOURCES, fetch_years
from nse_lstm.paths import Paths, find_root

CATALOGUE = Path("data/catalogue.toml")


def fetch(
    folder: str = "",
    *,
    years: str = "",
    tell: Callable[[str], None] = print,
    catalogue_path: Path | None = None,
) -> str:
    """Download the catalogue's data sets; return a sentence about the result.

    Parameters
    ----------
    folder : str
        ``data/raw/<market>`` of the project if empty; relative to the project.
    years : str
        As ``2013-2023``; the catalogue's own if empty.
    tell : callable
        Receives each line of progress.
    catalogue_path : Path, optional
        The project's own if not given.

    Raises
    ------
    ConfigurationError
        If the catalogue or the years do not hold up.
    FetchError
        If a data set could not be had whole and unchanged.
    """
    root = find_root()
    catalogue = read_catalogue(catalogue_path or root / CATALOGUE)
    span = years_of(catalogue, years)
    target = root / folder if folder else Paths(root, catalogue.market).raw
    n_fetched = fetch_years(catalogue, span, target, tell=tell)
    return (
        f"The files of {span[0]} to {span[1]} are in {target}, {n_fetched} of them "
        f"new; {SOURCES} there says how to cite them"
    )
