"""Damaged foreign files: a ledger that closes or an error with its place, no more."""

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from support.foreign_files import COLUMNS, DIALECTS, price_table, write_foreign
from support.mutated_files import MUTATIONS

from nse_lstm.data.panel import build_panel
from nse_lstm.data.price_import.arrange import arrange
from nse_lstm.data.price_import.exchange_files import exchange_files
from nse_lstm.data.price_import.headers import parse_columns
from nse_lstm.data.price_import.plausibility import find_doubts
from nse_lstm.data.price_import.shapes import ImportOptions, read_foreign
from nse_lstm.errors import DataError

# Days above 12 tell day from month in every dialect.
START = "2019-12-11"
STOCKS = {
    "AAA": price_table(6, seed=1, start=START),
    "BBB": price_table(6, seed=2, start=START),
}
TODAY = date(2025, 1, 1)


def outcome(folder: Path, dialect: str, seed: int) -> str:
    """Damage one file of a sound folder, import it, and tell what came of it."""
    write_foreign(folder, dialect, STOCKS)
    generator = np.random.default_rng(seed)
    paths = sorted(folder.iterdir())
    path = paths[int(generator.integers(len(paths)))]
    data = path.read_bytes()
    for _ in range(int(generator.integers(1, 3))):
        data = MUTATIONS[int(generator.integers(len(MUTATIONS)))](data, generator)
    path.write_bytes(data)
    options = ImportOptions(columns=parse_columns(COLUMNS.get(dialect, "")))
    try:
        prices = read_foreign(folder, options)
        arranged = arrange(prices, options, today=TODAY)
    except DataError as error:
        if error.file is None or error.line is None or "Received" not in str(error):
            raise ValueError(f"no place or value in: {error}") from error
        return "refused"
    n_rows = sum(about.n_rows + about.n_blank for about in prices.files)
    if arranged.row_counts["n_rows"].sum() != n_rows:
        raise ValueError(f"the ledger does not close: {arranged.row_counts}, {n_rows}")
    find_doubts(arranged.rows, limit=0.0, ticks="none")
    written = folder / "ours"
    written.mkdir()
    for name, content in exchange_files(arranged.rows, "mine").items():
        (written / name).write_bytes(content)
    panel = build_panel(written, limit=0.0).panel
    if len(panel) != len(arranged.rows):
        raise ValueError(f"{len(panel)} rows of {len(arranged.rows)} were read back")
    return "loaded"


def outcomes(folder: Path, seeds: range) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        dialect = DIALECTS[seed % len(DIALECTS)]
        counts[dialect, outcome(folder / str(seed), dialect, seed)] += 1
    return counts


def test_damaged_imports_load_with_a_closed_ledger_or_are_refused(tmp_path):
    counts = outcomes(tmp_path, range(80))
    assert counts.total() == 80
    ends = Counter(end for _, end in counts.elements())
    # A mutation that never, or always, breaks a file would prove nothing.
    assert min(ends["loaded"], ends["refused"]) > 4


@pytest.mark.exhaustive
def test_ten_thousand_damaged_imports(tmp_path):
    counts = outcomes(tmp_path, range(10_000))
    print(dict(counts))
    assert counts.total() == 10_000
