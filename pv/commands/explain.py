"""`pv explain`: the manual page of a code, or the list of all."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pv.report.console import Paint, emit, escape
from pv.report.manual import body, families, family, mends, page, title
from pv.rules import all_rules, codes
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pv.rules import Rule

_SCHEMA = "pv-rules-v1"
_COLUMNS = 100


def run(arguments: argparse.Namespace) -> int:
    """Print the page of one code; the list of those that begin with it, or of all.

    Raises:
        UsageProblem: no code is this one, or begins with it.
    """
    wanted = (arguments.code or "").strip().upper()
    rules = [rule for rule in all_rules() if rule.CODE.startswith(wanted)]
    if not rules:
        fix = did_you_mean(wanted, [code for code in codes() if code[:3] == wanted[:3]]) or "`pv explain` lists them"
        raise UsageProblem(f"no rule has the code {escape(arguments.code)!r}; {fix}")
    if arguments.json:
        emit(json.dumps({"schema": _SCHEMA, "rules": [_data(rule) for rule in rules]}, indent=2) + "\n")
    elif wanted == rules[0].CODE:
        terminal = sys.stdout is not None and sys.stdout.isatty()
        columns = min(shutil.get_terminal_size().columns, _COLUMNS) if terminal else _COLUMNS
        emit(page(rules[0], columns) + "\n")
    else:
        emit(_listed(rules, Paint.for_stream(sys.stdout)))
    return 0


def _listed(rules: Sequence[Rule], paint: Paint) -> str:
    blocks = []
    for name, members in families(rules).items():
        lines = [
            f"{rule.CODE}  {rule.SEVERITY:<7}  {title(rule)}{' (pv fix)' if mends(rule) else ''}" for rule in members
        ]
        blocks.append("\n".join([paint(name, "bold"), *lines]))
    return "\n\n".join(blocks) + "\n"


def _data(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.CODE,
        "severity": rule.SEVERITY,
        "family": family(rule.CODE),
        "title": title(rule),
        "fixable": mends(rule),
        "page": body(rule),
    }
