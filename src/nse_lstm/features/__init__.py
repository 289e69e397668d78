"""From a validated panel to the arrays that a network is fitted on.

``returns`` adjusts prices, ``folds`` cuts the calendar into years, ``windows`` cuts one
ticker's history into supervised windows and ``scaling`` maps them to [0, 1].

Beside that path runs the cross-section: ``board`` lays the shares out side by side,
``indicators`` gives each its places among the month's universe, and ``targets`` says
what came of them.
"""
