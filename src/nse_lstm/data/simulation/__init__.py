"""The embedded market: its rules, its prices, its files and their faults."""
