"""Published claims, checked: a Sharpe ratio of 10.67, and errors of price forecasts.

The status page that this study answers claimed 10.67 for its new model. ``rows`` sorts
the printed rows in the claim's order, ``mechanism`` is its arithmetic, ``forecasts``
fits the network on each version of the data, ``honest_backtest`` trades and scores the
forecasts by the study's own rules, and ``steps`` puts all of it in order. The page's
words and tables are in ``pages.anatomy``. ``published_claims`` scores persistence by
the metrics of other published forecasts.
"""
