"""Quantised weights and the rounding of activations."""
