"""Features, targets and windows: from the validated panel to arrays that models fit.

``returns`` adjusts prices, ``folds`` cuts the calendar into years, ``windows`` cuts one
stock's history into supervised windows and ``scaling`` maps them to [0, 1].

Beside that path runs the cross-section. ``market_panel`` pivots the stocks side by
side, ``indicators`` ranks each stock within the month's universe, and ``targets`` holds
the realised returns.
"""
