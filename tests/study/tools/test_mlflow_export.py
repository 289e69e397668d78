"""Trained models as runs of MLflow, where it is installed."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.finished_study import leave_bundle
from support.tiny_study import tiny_workspace

from nse_lstm.errors import ConfigurationError
from nse_lstm.json_files import write_json
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.tools.mlflow_export import export_runs, store_address

HISTORY = (
    "epoch,loss,huber,val_huber,learning_rate\n1,2,0.5,0.6,0.001\n2,1,0.4,0.7,0.001\n"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = tiny_workspace(tmp_path)
    folder = workspace.paths.v2 / "AAA"
    leave_bundle(folder, "AAA", history=HISTORY)
    started = datetime(2024, 1, 2, tzinfo=UTC).isoformat()
    write_json(folder / "run.json", {"seconds": 20.0, "started": started})
    return workspace


def test_without_mlflow_it_says_how_to_install_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(ConfigurationError, match="extra `track`"):
        export_runs(workspace)


@pytest.mark.slow
# MLflow's own warnings are its own affair.
@pytest.mark.filterwarnings("ignore")
def test_every_model_is_one_run_with_its_epochs(workspace: Workspace) -> None:
    pytest.importorskip("mlflow", reason="the extra `track` is not installed")
    from mlflow.tracking import MlflowClient

    assert export_runs(workspace)["result"].to_list() == ["added"]
    assert export_runs(workspace)["result"].to_list() == ["there already"]
    client = MlflowClient(tracking_uri=store_address(workspace))
    (experiment,) = [
        each for each in client.search_experiments() if each.name.startswith("nse")
    ]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "v2 AAA 2024"
    assert run.data.tags["version"] == "0123456789abcdef0123"
    assert run.data.tags["fold"] == "2024"
    assert run.data.params["train.n_windows"] == "9"
    losses = client.get_metric_history(run.info.run_id, "val_huber")
    assert [(each.step, each.value) for each in losses] == [(1, 0.6), (2, 0.7)]
    (figure,) = client.list_artifacts(run.info.run_id)
    assert figure.path == "training.png"
