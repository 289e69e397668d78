"""Can an LSTM forecast the Nairobi Securities Exchange? A reproducible study.

Data flows one way through the packages: ``data`` (raw files to a panel), ``features``
(folds, scaling, windows), ``models`` (training and forecasting), ``evaluation``
(trading, costs, scores, verdict), ``deployment`` (registry, scoring) and ``study``,
which runs the five phases in order. ``reporting`` turns tables into pages.
"""
