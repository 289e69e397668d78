import numpy as np
import pytest

from nse_lstm.deployment.latency import measure_latency
from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.models.architectures import Architecture, Dense, Lstm, build
from nse_lstm.models.bundles import save_bundle


@pytest.fixture
def folder(tmp_path):
    layers = (Lstm("lstm", 2, sequences=False), Dense("dense", 1))
    network = Architecture("small", 5, 1, layers, loss="mse")
    save_bundle(
        tmp_path / "AAA",
        build(network),
        architecture=network,
        scaler=MinMaxScaler(1.0, 2.0),
        metadata={"ticker": "AAA", "version": "1", "lookback": 5},
        history=[],
        run={},
    )
    return tmp_path / "AAA"


def test_a_first_forecast_takes_longer_than_one_by_a_loaded_model(folder):
    latency = measure_latency(folder, n_calls=3)
    # The first reads and checks files: ten times the work.
    assert np.isfinite(latency.first_ms)
    assert latency.first_ms > latency.next_ms > 0


def test_a_changed_model_is_not_timed(folder):
    (folder / "model.keras").write_bytes(b"something else")
    with pytest.raises(ArtefactError, match="unchanged"):
        measure_latency(folder)
