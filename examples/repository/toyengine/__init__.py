"""A toy engine: one attention layer with made-up weights, and greedy decoding."""
