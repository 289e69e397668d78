"""Runs the five phases in order; notebooks and the command line call nothing deeper."""
