"""Null models: by how much two correct implementations of a stage differ, from first principles, and what that leaves visible."""
