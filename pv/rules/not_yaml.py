"""Text that is not YAML (PV003).

What libyaml refuses, a key that is no plain word, a character that YAML does not allow, an integer too long for
anybody.

Bad:

    equations: [

Good:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}

Upstream: a parse error there.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV003"
SEVERITY = Severity.ERROR
