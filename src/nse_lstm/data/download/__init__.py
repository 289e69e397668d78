"""The exchange's public data sets: their catalogue, their listing, their download."""
