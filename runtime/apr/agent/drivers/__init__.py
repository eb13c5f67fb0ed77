"""What answers in a session: a model on this machine, or a trace that was recorded."""
