from pathlib import Path

import pandas as pd
import pytest
from conftest import make_tiny_panel
from support.service_parts import make_source

from nse_lstm.deployment.service.snapshot import Source


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return make_source(tmp_path)


@pytest.fixture
def panel() -> pd.DataFrame:
    return make_tiny_panel()
