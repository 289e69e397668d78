"""Scores, statistical tests and backtests of forecasts, computed from tables alone.

It never imports ``models``, so all forecasts are judged by the same rules.
"""
