"""What `make lab` gives every kernel: an edited module is picked up without a restart.

Builds do not read this: a phase runs on the sources that it began with.
"""

c = get_config()  # noqa: F821
c.InteractiveShellApp.extensions = ["autoreload"]
c.InteractiveShellApp.exec_lines = ["%autoreload 2"]
