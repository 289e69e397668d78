"""Phase 5 on trained networks: the stored models give the tested forecasts again."""

from pathlib import Path

import pandas as pd
import pytest
from support.tiny_study import trained_study

from nse_lstm.study.deployment.deploy import deploy
from nse_lstm.study.validation.validate import validate


@pytest.mark.slow
def test_stored_models_reproduce_the_tested_forecasts(tmp_path: Path) -> None:
    workspace = trained_study(tmp_path)
    validate(workspace)
    deployment = deploy(workspace)
    reproduced = deployment.reproduced
    assert (reproduced["n_equal"] == reproduced["n_forecasts"]).all()
    assert len(deployment.forecasts) + len(deployment.refused) == len(
        deployment.registry
    )
    again = deploy(workspace)
    pd.testing.assert_frame_equal(again.forecasts, deployment.forecasts)
    pd.testing.assert_frame_equal(again.registry, deployment.registry)
