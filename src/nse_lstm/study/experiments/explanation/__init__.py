"""Explain ranking models: permutation importance, occlusion, learning curves."""
