"""The laboratory: a researcher's own stock, settings and network, in three lines.

What is fitted here lies apart from the study's models and never enters them. The years
before the study's own are free to try on; a year the study is judged on is counted in
its ledger; the test year stays sealed.
"""

from nse_lstm.study.laboratory.laboratory import Laboratory, open_laboratory
from nse_lstm.study.laboratory.runs import Run

__all__ = ["Laboratory", "Run", "open_laboratory"]
