"""A test that cannot fail (PV401).

The exit status of a test is its verdict. A command that ends well whatever happened, because `|| true` or an `echo` has the
last word, falsifies nothing: what it prints is read by nobody. What can come out is worked out from the text as a shell would
run it; a program that is not known may always fail.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the exported file is read back
        if_fails: the writer drops a tensor
        test: apr check model.apr && echo PASS || echo FAIL

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the exported file is read back
        if_fails: the writer drops a tensor
        test: apr check model.apr

Not flagged: a `cross_check_command`, of which the number that it prints is compared; scripts with functions, `case` or `((…))`,
which are not followed.

Upstream: none; there a command is judged by its first word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.outcome import outcome
from pv.commandline.shell import Simple, parse
from pv.rules._problem import Problem
from pv.rules._tests import commands
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV401"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test whose command can only end well."""
    for one in commands(contract):
        found = outcome(one.text)
        if found is not None and found.cannot_fail:
            message = f"the {one.name} cannot fail: its exit status is always 0"
            yield Problem(contract.document.value_span(*one.path), message, _remedy(one.text))


def _remedy(text: str) -> str:
    """What to change, as far as the end of the command tells."""
    script = parse(text) or ()
    last = script[-1] if script else None
    end = (last.rest[-1][1] if last.rest else last.first).parts[-1] if last else None
    said = " ".join(word.raw for word in end.words) if isinstance(end, Simple) else ""
    if last is None or not said:
        return "let the status of the command that decides be the last one"
    if len(script) == 1 and not last.rest and not last.background:
        return f"'{said}' ends well whatever is the case: write the command that decides"
    if last.background:
        return "'&' leaves the command to itself; wait for it"
    if len(last.rest) > 1 and last.rest[0][0] == "&&" and last.rest[-1][0] == "||":
        return f"leave out '&& … || {said}': the exit status of what stands before says it"
    operator = last.rest[-1][0] if last.rest else ";"
    return f"leave out '{operator} {said}': the exit status of what stands before says it"
