"""Descriptive statistics of the market before the test year; no model uses them."""
