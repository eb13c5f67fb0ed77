"""What files of traces are called."""

from __future__ import annotations

# of what is being written, beside its place: no part of the tree that a session works on
PART_SUFFIX = ".ccpa-part"
