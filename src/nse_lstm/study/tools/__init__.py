"""Tools around the study: execute a notebook, compare builds, find what is missing."""
