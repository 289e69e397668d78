from pathlib import Path

import pytest

from nse_lstm.errors import ConfigurationError, FetchError
from nse_lstm.study.data_analysis.download import fetch

# Port 1 of this machine: nobody listens there.
CATALOGUE = """
market = "nse"
address = "http://127.0.0.1:1"
years = [2013, 2013]
rows = {}

[[datasets]]
id = "abc123def4"
version = 1
years = [2013, 2013]
licence = "CC BY 4.0"
citation = "B. Author"
"""


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    path = tmp_path / "catalogue.toml"
    path.write_text(CATALOGUE)
    return path


def test_a_fetch_goes_to_the_folder_that_was_named(catalogue, tmp_path):
    with pytest.raises(FetchError, match=f"put them into {tmp_path}/raw"):
        fetch(str(tmp_path / "raw"), tell=lambda _: None, catalogue_path=catalogue)


def test_years_without_a_data_set_ask_nobody(catalogue, tmp_path):
    with pytest.raises(ConfigurationError, match="2013-2013"):
        fetch(str(tmp_path / "raw"), years="2014", catalogue_path=catalogue)
    assert not (tmp_path / "raw").exists()
