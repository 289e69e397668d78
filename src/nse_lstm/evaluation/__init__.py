"""The judge: what forecasts were worth, read from tables alone.

It never imports ``models``, so a persistence forecast and an LSTM meet the same rules.
"""
