"""What the ranking models use: features, sessions and years taken away."""
