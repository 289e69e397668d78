"""Phases 2 and 3: the networks of single stocks, fitted and checked."""
