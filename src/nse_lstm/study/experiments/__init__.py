"""Side studies: ablation, search, calibration of the verdict, explanation of models."""
