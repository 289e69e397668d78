"""A replaced function comes back, and a patch of nothing is refused."""

import pytest

from nse_lstm.errors import StudyError
from nse_lstm.study.audit import differences, patching


def test_a_patched_function_comes_back() -> None:
    before = differences.is_close
    with patching.patched(differences, is_close=lambda *_: False):
        assert not differences.is_close(1.0, 1.0)
    assert differences.is_close is before


def test_a_patch_of_nothing_is_refused() -> None:
    with pytest.raises(StudyError, match="no_such_name"):
        with patching.patched(differences, no_such_name=print):
            pass
