"""The leak audit: run the study's own code again where a leak must show.

``pipeline_run`` runs the study's phases on a small market. ``spliced_futures`` rewrites
the files after an origin, and ``stages`` lists the values that must not move.
``reference`` computes the same figures again by slow plain Python, and
``compare_reference`` compares them. ``placebos`` trains on a market with random
directions. ``checks`` calls them all, and ``run`` is the command. The mutation tests in
``tests/audit_power`` measure the audit's power.
"""
