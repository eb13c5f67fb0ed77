r"""A row whose entry point is no name (PV533).

Rows are told apart by their `entry_point`: comparing today's rows with yesterday's is how a deleted one is noticed. So each
has one, none is there twice (a good row would hide a bad one), and it is printable ASCII without blanks around it: a name
with a line break in it would print as two rows, and stand in for one that was deleted.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr run --gpu\napr serve"
          competitor: ollama

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr run --gpu"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr run m.gguf --gpu"
          invocation_competitor: "ollama run m"
          dimension: decode_tok_s
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: serving
          evidence: bench/decode-2026-10-01.json

Upstream: PARITY-002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV533"
SEVERITY = Severity.ERROR

_KEY = "entry_point"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each row whose entry point is missing, no plain name, or taken."""
    first: dict[str, int] = {}
    for row in rows(contract):
        value, span = row.data.get(_KEY), row.span(_KEY)
        if is_blank(value):
            yield Problem(span, f"{row.label} names no entry point", "say which command or function is compared")
        elif not isinstance(value, str):
            continue  # the shape is for another rule to report
        elif odd := next((letter for letter in value if not " " <= letter <= "~"), None):
            message = f"the entry point of {row.label} holds U+{ord(odd):04X}"
            yield Problem(span, message, "write it in printable ASCII, on one line")
        elif value != value.strip():
            yield Problem(span, f"the entry point {value!r} has blanks around it", f"write {value.strip()!r}")
        elif value in first:
            message = f"the entry point {value!r} has a row already, rows[{first[value]}]"
            yield Problem(span, message, "one row for each entry point; name what tells the two apart")
        else:
            first[value] = int(row.path[-1])
