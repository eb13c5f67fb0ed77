"""What falsifiers are given: the engines and files under judgement as pytest fixtures, sound or with a claim's mutant planted.

Together with the root's `conftest.py` this is the only place that knows both the harness and a runtime.
"""
