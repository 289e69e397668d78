"""An error of any kind becomes an alarm."""

import pytest

from nse_lstm.errors import DataError
from nse_lstm.study.audit import alarms


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (DataError("Expected a.\nmore"), "the library refused"),
        (KeyError("b"), "the library failed"),
    ],
)
def test_an_error_is_an_alarm(error: Exception, where: str) -> None:
    def fail() -> None:
        raise error

    found, raised = alarms.run_guarded("run", fail)
    assert found is None
    assert [alarm.where for alarm in raised] == [where]
    assert "more" not in raised[0].detail
