"""Longest common subsequences of lists of integers: one way a module, each exact where it answers, and each with its cost."""
