"""Planted faults, by what they are planted in: the reference model, the oracle's captures, or the program itself."""
