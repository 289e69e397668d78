"""The service beside a whole small study: its networks, its forecasts, its registry."""

import numpy as np
import pytest
from support.service_parts import running
from support.tiny_study import trained_study

from nse_lstm.deployment.registry import promote
from nse_lstm.models.bundles import read_metadata
from nse_lstm.models.keras_agreement import KERAS_TOLERANCE, difference_from_keras
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.phase_tables import read_recommended, study_folds
from nse_lstm.study.core.sealed_year import open_test_year
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.service import service_source
from nse_lstm.study.validation.validate import forecast_fold


def promote_trained(workspace: Workspace, ticker: str, year: int) -> None:
    folder = bundle_folder(open_study_data(workspace), ticker, year)
    promote(
        workspace.paths.registry,
        ticker=ticker,
        stage="champion",
        model="v2",
        version=read_metadata(folder)["version"],
        bundle=folder.relative_to(workspace.paths.models).as_posix(),
        evidence="e" * 64,
        why="a test",
    )


@pytest.mark.slow
def test_the_service_forecasts_the_notebooks_numbers_to_the_bit(tmp_path):
    workspace = trained_study(tmp_path)
    fold = study_folds(workspace)[-1]
    tickers = read_recommended(workspace)[fold.year]
    for ticker in tickers:
        promote_trained(workspace, ticker, fold.year)
        folder = bundle_folder(open_study_data(workspace), ticker, fold.year)
        assert difference_from_keras(folder) <= KERAS_TOLERANCE
    panel, _ = open_test_year(open_study_data(workspace))
    expected = forecast_fold(open_study_data(workspace), panel, fold)
    expected = expected[expected["model"] == "v2"]
    asked = [
        {"ticker": ticker, "date": str(origin.date())}
        for ticker, origin in zip(expected["ticker"], expected["origin"], strict=True)
    ]
    with running(service_source(workspace)) as service:
        answer = service.client.post("/forecasts", json={"forecasts": asked}).json()
    assert len(asked) > 400 and set(tickers) == set(expected["ticker"])
    for name in ("price_hat", "y_hat"):
        found = [row[name] for row in answer["forecasts"]]
        assert np.array(found, float).tobytes() == expected[name].to_numpy().tobytes()
