"""Parts of the market simulator: listings, prices, signals, and files with faults."""
