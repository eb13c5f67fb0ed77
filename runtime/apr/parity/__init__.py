"""Comparing captures: metrics, comparability, first divergence."""
