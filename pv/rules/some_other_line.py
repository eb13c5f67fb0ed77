"""A `grep -v` that is meant to say that nothing matches (PV411).

`grep -v word` ends well as soon as *some* line lacks the word; that no line has it is what `! grep word` says. As the command
that decides a test it passes with the word in every line but one.

Bad:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the manifest is not among the files that are sent
        if_fails: it is published
        test: apr publish out --dry-run | grep -v manifest.yaml

Good:

    falsification_tests:
      - id: FALSIFY-A-001
        prediction: the manifest is not among the files that are sent
        if_fails: it is published
        test: set -o pipefail; ! apr publish out --dry-run | grep -q manifest.yaml

Not flagged: `grep -v` that only filters for another command, and `! grep -v word`, which says that every line has the word.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commandline.roles import argv
from pv.commandline.shell import Simple, parse
from pv.pattern import lazy
from pv.rules._problem import Problem
from pv.rules._tests import commands, place
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV411"
SEVERITY = Severity.WARNING

_INVERTED = lazy(r"-[a-zA-Z]*v[a-zA-Z]*|--invert-match")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each test that a `grep -v` decides."""
    for one in commands(contract):
        script = parse(one.text) or ()
        if not script:
            continue
        decides = script[-1].rest[-1][1] if script[-1].rest else script[-1].first
        last = decides.parts[-1]
        words = argv(last) if isinstance(last, Simple) and not decides.negated else ()
        if words[:1] in {("grep",), ("egrep",), ("fgrep",), ("rg",)} and any(map(_INVERTED.fullmatch, words[1:])):
            message = f"the {one.name} passes where any line lacks the word, also if others have it"
            span = place(contract.document, one, last.at, len(words[0]))
            yield Problem(span, message, "that no line has it is asked by '! … | grep -q word'")
