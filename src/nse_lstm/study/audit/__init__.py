"""The leak audit: the study's own code walked again where a leak must show.

``walks`` runs the study's phases on a small market; ``futures`` rewrites what comes
after an origin, ``stages`` says what must not have moved; ``plain`` computes the same
figures a second time by slow plain Python, ``recount`` compares; ``placebos`` trains on
a market of coin flips. ``checks`` is the one list of them all, ``run`` what Make calls,
and ``power`` measures which of the ``defects`` they catch.
"""
