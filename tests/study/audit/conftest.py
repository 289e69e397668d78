from pathlib import Path

import pandas as pd
import pytest
from support.raw_files import Row, write_folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Raw files of two stocks and six sessions."""
    rows = [
        Row(day, ticker, 10.0 + i, volume=500.0, previous=9.0 + i)
        for i, day in enumerate(pd.bdate_range("2020-01-06", periods=6))
        for ticker in ("AAA", "BBB")
    ]
    return write_folder(tmp_path / "raw", rows)
