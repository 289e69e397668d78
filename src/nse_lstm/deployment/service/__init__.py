"""The forecasts over HTTP: what ``score`` computes, asked for by ticker and date.

``snapshot`` holds everything an answer depends on and is replaced whole; ``app`` puts
it behind addresses, ``limits`` and ``auth`` before it, ``server`` on a port. FastAPI is
imported in this package only.
"""
