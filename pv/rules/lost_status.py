"""An exit status that is thrown away (PV402).

What decides a test must be what ends it. A status is lost where `$?` is read after something that always ends well, as an
assignment of `$(… || true)` does; where a pipeline ends in `tee`, `head` or `wc`, which end well whatever came before; and where
one check is followed by another and nothing stops between them.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: all tests of the reader pass
        if_fails: a block is decoded wrongly
        test: cargo test -p reader | tee reader.log

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: all tests of the reader pass
        if_fails: a block is decoded wrongly
        test: set -o pipefail; cargo test -p reader | tee reader.log

Not flagged: `program | grep -q word`, where the right end is the check; a check whose output goes to a file; a text that as a whole
cannot fail, cannot pass or is cut in two, which PV401, PV408 and PV403 tell.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.outcome import Loss, outcome
from pv.commandline.roles import goes_on_with
from pv.commandline.shell import parse
from pv.rules._problem import Problem
from pv.rules._tests import commands, place
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV402"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each place where an exit status comes to nothing."""
    for one in commands(contract):
        found = outcome(one.text)
        if found is None or found.cannot_fail or found.cannot_pass or goes_on_with(parse(one.text) or ()):
            continue
        for lost in found.lost:
            message, remedy = _words(lost.loss, lost.what)
            span = place(contract.document, one, lost.at, len(lost.what))
            severity = Severity.ERROR if lost.loss is Loss.CONSTANT else None
            yield Problem(span, f"in the {one.name}, {message}", remedy, severity)


def _words(loss: Loss, what: str) -> tuple[str, str]:
    if loss is Loss.CONSTANT:
        return "'$?' is always 0 here", "read it right behind the command, and leave out '|| true' there"
    if loss is Loss.PIPED:
        remedy = "begin with 'set -o pipefail', or leave the pipe out"
        return f"the pipeline ends as {what!r} ends, whatever the commands before it found", remedy
    return (
        f"what {what!r} finds is not asked for: the next command runs anyway",
        "join them by '&&', or begin with 'set -e'",
    )
