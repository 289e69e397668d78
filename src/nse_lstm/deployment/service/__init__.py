"""HTTP service of the forecasts, by ticker and date.

``snapshot`` holds everything an answer depends on and is replaced as one. ``app`` has
the routes, ``limits`` and ``auth`` guard them, and ``server`` listens on a port.
FastAPI is imported in this package only.
"""
