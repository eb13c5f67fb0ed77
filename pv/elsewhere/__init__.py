"""Cases that are run by workers of dask.distributed: how they are cut, handed out and taken back, and who may run them.

Nothing here knows pytest; `pv.pytest_plugin.scheduled` and `pv.pytest_plugin.serve` are its two ends.
"""
