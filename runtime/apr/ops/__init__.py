"""The equations of a transformer, one function each."""
