"""The study's figures a second time, by slow plain Python from the raw text on.

Nothing here imports the code that it checks: the rules are those of the contracts,
written down again one row at a time. Where the quick code and this disagree, one of
them is wrong.
"""
