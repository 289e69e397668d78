"""Calibration of the verdict: its false-positive rate and its power."""
