"""Deployment: the model registry, forecasts of the next session, and monitoring.

``registry`` records the stage and the evidence of each stock's models. ``serving``
forecasts with them and reports every stock that it could not forecast.
"""
