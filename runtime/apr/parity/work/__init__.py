"""A comparison cut into units, one a stage: plain data, the function that measures one, and what it needs where it runs."""
