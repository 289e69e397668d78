"""The laboratory: fit, score and compare any model on one stock in three lines.

Its models are kept apart from the study's. Years before the walk-forward years are free
to try on. A year that the study is judged on is counted in the trial ledger. The test
year stays sealed.
"""

from nse_lstm.study.laboratory.laboratory import Laboratory, open_laboratory
from nse_lstm.study.laboratory.runs import Run, Runs

__all__ = ["Laboratory", "Run", "Runs", "open_laboratory"]
