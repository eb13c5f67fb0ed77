"""Executable obligations run as Hypothesis properties. Needs numpy and hypothesis; nothing else of pv imports it at once."""
