import pytest
from finished_study import finished_study

from nse_lstm.study.workspace import Workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished study that tests may read and must not change."""
    return finished_study(tmp_path_factory.mktemp("finished"))
