"""The tool of `make mutation` is not in the environment that runs the tests."""

collect_ignore = ["__main__.py", "measure.py", "mutants.py", "operators.py"]
