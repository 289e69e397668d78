"""Where the project lies, and the real files that some tests read where they are."""

from pathlib import Path

from nse_lstm.paths import find_root

ROOT = find_root(Path(__file__))
REAL_FILES = ROOT.parent / "shared" / "nse"
"""Files of the exchange, 2013 to 2023; tests that need them skip where it is absent."""
