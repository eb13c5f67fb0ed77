"""Engines: whatever turns tokens into named stages."""
