"""Networks and baselines: from windows to forecasts.

``architectures`` builds a network, ``fitting`` fits it, and ``bundles`` keeps it in a
folder that can prove itself. ``training`` fits many of them, in processes of this
machine (``executors``) or on a cluster's workers (``cluster``). ``forecasting``,
``baselines`` and ``tabular_models`` write forecast tables. ``rank_lstm`` describes the
one network of all stocks. TensorFlow is imported in this package only, by ``runtime``,
and never by ``training``, ``baselines`` or ``versions`` themselves.
"""
