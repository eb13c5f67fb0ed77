"""Mutation testing of the house itself: `python -m tests.mutation`."""
