"""The reference: the study's figures by slow plain Python, from the raw text on.

Nothing here imports the code that it checks. The rules are those of the study, written
again one row at a time. Where the fast code and the reference differ, one is wrong.
"""
