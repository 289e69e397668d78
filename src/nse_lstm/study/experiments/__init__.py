"""Side studies: ablation, search, false positives and power, explanations."""
