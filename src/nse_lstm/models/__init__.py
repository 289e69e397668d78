"""Networks and baselines: from windows to forecasts.

``architectures`` builds a network, ``training`` fits many of them in worker processes,
``bundles`` keeps each in a folder that can prove itself, ``forecasting`` and
``baselines`` write forecast tables, and so do ``tabular_models``, which rank many shares at
once; ``pooled`` asks for the rank LSTM, one network of all shares. ``executors``
chooses between this machine's processes and a cluster's workers (``cluster``).
TensorFlow is imported in this package only, by ``runtime``, and never by ``training``,
``baselines`` or ``versions`` themselves.
"""
