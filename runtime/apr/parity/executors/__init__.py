"""Where units are measured: here, or by workers of a dask scheduler."""
