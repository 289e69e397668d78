"""The raw files of a market: written for the simulated one, required of a real one."""

import sys

from nse_lstm.data.simulate import write_market
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.paths import csv_paths, unread_paths
from nse_lstm.study.core.workspace import Workspace


def prepare_raw(workspace: Workspace) -> int:
    """Write the simulated market's files, or check that a real market's are there.

    Returns
    -------
    int
        Number of CSV files.

    Raises
    ------
    ConfigurationError
        If a folder is given for the simulated market, which would overwrite it.
    DataError
        If a real market's folder holds no CSV file.
    """
    paths, study = workspace.paths, workspace.study
    own = paths.root / "data" / "raw" / paths.market
    if study.market.simulated and paths.raw.resolve() != own.resolve():
        raise ConfigurationError(
            "A simulated market is written to its own folder; RAW is for real files, "
            f"with MARKET=nse. Received: market={paths.market}, raw={paths.raw}"
        )
    if study.market.simulated:
        write_market(own, study.simulation, oracle=paths.oracle)
    for path, what in unread_paths(paths.raw).items():
        print(f"Not read: {path.name} is {what}", file=sys.stderr)
    n_files = len(csv_paths(paths.raw))
    if not n_files:
        raise DataError(
            f"Expected the CSV files of market {study.market.name!r} in {paths.raw}. "
            "Received: none; give their folder as RAW=... (nse-lstm: --raw)"
        )
    return n_files
