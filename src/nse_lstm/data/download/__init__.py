"""Download of the exchange's public data sets: catalogue, listing, files."""
