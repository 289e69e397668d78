"""Where the project lies, and the real files that some tests read where they are."""

from pathlib import Path

from nse_lstm.paths import find_root

ROOT = find_root(Path(__file__))
REAL_FILES = ROOT.parent / "shared" / "nse"
"""Files of the exchange, 2013 to 2023; tests that need them skip where it is absent."""
ALL_FILES = ROOT.parent / "shared" / "nse_all"
"""The same with 2007 to 2012 and the whole of 2020."""
WITNESS = ROOT.parent / "shared" / "witness" / "boards_2006_2022.csv.gz"
"""Boards of the exchange that somebody else collected, 2006 to 2022."""
