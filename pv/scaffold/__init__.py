"""Text that pv writes for an author to go on from: a repository's first files, contracts, falsifiers."""
