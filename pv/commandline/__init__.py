"""The texts that say how a claim is tested: what they are, and what a shell would make of them.

Nothing here runs anything. A text is cut into words as a POSIX shell would cut it, and what may come out of it is worked out
from what the words mean to any shell; a program that is not known may always end well or badly.
"""

from pv.commandline.kinds import TestKind, kind_of, references

__all__ = ["TestKind", "kind_of", "references"]
