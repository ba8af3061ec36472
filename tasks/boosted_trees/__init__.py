"""Gradient-boosted trees (LightGBM) on Covertype."""
