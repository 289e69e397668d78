"""The documented road to the real study: fetch the public files, then Phase 1."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.places import ALL_FILES, ROOT
from support.public_server import Remote, serving

from nse_lstm.config import load_study
from nse_lstm.data.download.catalogue import read_catalogue
from nse_lstm.data.ingest import years_named
from nse_lstm.paths import Paths, csv_paths
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.download import fetch

HALF = "NSE_data_all_stocks_2020_to_jun30.csv"
WHOLE = "NSE_data_all_stocks_2020.csv"

pytestmark = pytest.mark.skipif(
    not ALL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)


def published(name: str, data: bytes) -> bytes:
    """Return the other published bytes of a file: the 2023 file has two variants."""
    if name != "NSE_data_all_stocks_2023.csv":
        return data
    return re.sub(rb"(?m)^0?(\d+-\w{3})-2023", rb"\1-23", data).replace(b"\r\n", b"\n")


def remotes_of(*, without: str) -> list[Remote]:
    """Spread the real files over the catalogue's data sets, as they are published."""
    catalogue = read_catalogue(ROOT / "data/catalogue.toml")
    remotes = []
    for dataset in catalogue.datasets:
        first, last = dataset.years
        files = {
            path.name: published(path.name, path.read_bytes())
            for path in csv_paths(ALL_FILES)
            if path.name != without and first <= min(years_named(path.name)) <= last
        }
        # A later year, which nobody asked for and which cannot be read.
        if dataset.years == (2023, 2024):
            files["NSE_data_all_stocks_2024.csv"] = b"another shape"
        remotes.append(
            Remote(
                dataset=dataset.id,
                version=dataset.version,
                versions=[{"version": n + 1} for n in range(dataset.version)],
                files=files,
            )
        )
    return remotes


@pytest.mark.slow
@pytest.mark.parametrize("without", [HALF, WHOLE])
def test_fetch_and_phase_1_with_nothing_else_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    raw, told = tmp_path / "data" / "raw" / "nse", list[str]()
    with serving(*remotes_of(without=without)) as address:
        text = (ROOT / "data/catalogue.toml").read_text()
        catalogue = tmp_path / "catalogue.toml"
        catalogue.write_text(
            re.sub(r'(?m)^address = ".*"', f'address = "{address}"', text)
        )
        said = fetch(str(raw), tell=told.append, catalogue_path=catalogue)
    assert "2007 to 2023" in said
    names = {path.name for path in csv_paths(raw)}
    assert names == {path.name for path in csv_paths(ALL_FILES)} - {without}
    study = load_study(ROOT / "study.toml", "nse")
    # One walk-forward year is enough here.
    study = replace(study, folds=replace(study.folds, n_walk_forward=1))
    workspace = Workspace(study, Paths(tmp_path, "nse"))
    analysis = analyse_data(workspace)
    facts = read_facts(workspace)
    assert facts.test_year == 2023
    assert facts.walk_forward == [2022]
    assert (facts.first_session, facts.last_session) == ("2007-01-02", "2023-12-29")
    n_half = 0 if without == HALF else 9_159
    assert facts.n_rows == 267_701 - n_half
    assert len(analysis.recommended[2023]) == 10
    returns = analysis.market_statistics.stock_years
    counts = returns.groupby("year")["volatility"].count()
    assert counts[[2011, 2012, 2013]].tolist() == [0, 0, 0] and counts[2014] > 50
