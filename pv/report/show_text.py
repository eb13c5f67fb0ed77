"""One claim, or one contract, as text: a name and what belongs to it, line by line."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from pv.report.console import escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.report.console import Paint

_LABEL = 13  # columns of a label, with the blanks behind it
_LEAST, _MOST = 60, 120
_COLOURS = {"discharged": "green", "refuted": "red", "error": "red", "inconclusive": "yellow"}


def claim_text(data: Mapping[str, Any], paint: Paint, columns: int | None = None) -> str:
    """What `claim_data` holds; what is not there is left out."""
    outcome = _outcome(data)
    lines = [paint(escape(f"{data['contract']}:{data['claim']}"), "bold"), _place(data)]
    fields = [
        *(
            (label, data[key])
            for label, key in (("rule", "rule"), ("prediction", "prediction"), ("if it fails", "if_fails"))
        ),
        *(_equation(data["equation"]) if data["equation"] else ()),
        ("claimed for", data["domain"]),
        ("tolerance", data["tolerance"]),
        ("level", data["level"]),
        ("expected", "to be refuted" if data["expect"] == "refuted" else None),
        *(("obligation", f"{one['property']} ({one['path']}:{one['line']})") for one in data["obligations"]),
        *(("param", f"{name}: {', '.join(map(str, values))}") for name, values in data["params"].items()),
        *(("mutant", _mutant(one)) for one in data["mutants"]),
        ("hypothesis", data["hypothesis"]),
        *(("waits for", ", ".join(f"{name} {value}" for name, value in one.items())) for one in data["pending"]),
        ("valid for", data["valid_for"]),
        ("test", f"{data['test']} ({data['test_kind']})" if data["test"] else None),
        *(("runs", _runs(one, data["property"])) for one in data["falsifiers"] if one["property"]),
        *(
            ("it says", f"{key}: {_domain(value) if key == 'forall' else _plain(value)}")
            for key, value in (data["property"]["says"] if data["property"] else {}).items()
        ),
        *(
            ("falsifier", f"{one['path']}:{one['line']} {one['qualname']}")
            for one in data["falsifiers"]
            if not one["property"]
        ),
        ("falsifier", None if data["falsifiers"] else f"none is bound to it: `pv missing {data['path']}` prints one"),
        ("fingerprint", data["fingerprint"]),
        ("outcome", outcome),
        *(("evidence", _evidence(one)) for one in data["evidence"]),
    ]
    lines += _lines(fields, columns)
    return "\n".join(
        paint(line, _COLOURS[data["outcome"]]) if line.startswith("  outcome ") else line for line in lines
    )


def contract_text(data: Mapping[str, Any], paint: Paint, columns: int | None = None) -> str:
    """What `contract_data` holds: what it is about, then a line a claim."""
    head = f"{data['contract']}  {data['kind']}, version {data['version'] or '-'}"
    fields = [
        ("about", data["description"]),
        ("declared", data["declared"] or "-"),
        ("effective", data["effective"]),
        *(("reference", one) for one in data["references"]),
        *(field for one in data["equations"] for field in _equation(one)),
        *(("obligation", one["property"]) for one in data["obligations"]),
    ]
    lines = [paint(escape(head), "bold"), f"  {escape(data['path'])}", *_lines(fields, columns)]
    if data["claims"]:
        rows = [("claim", "outcome", "at", "rule")]
        rows += [
            (escape(one["claim"]), escape(_outcome(one)), f"{one['line']}", _one_line(one["rule"]))
            for one in data["claims"]
        ]
        lines += ["", *(f"  {line}" for line in table(rows, paint, frozenset({2})))]
    return "\n".join(lines)


def as_json(data: Mapping[str, Any]) -> str:
    """The data as one JSON object."""
    return json.dumps(data, indent=2)


def _lines(fields: list[tuple[str, Any]], columns: int | None) -> Iterator[str]:
    """A field a line, or as many as its text needs; one without a text is left out, a label is not said twice running."""
    before = ""
    room = max(_LEAST, min(columns or _MOST, _MOST)) - _LABEL - 2
    for label, value in fields:
        text = _one_line(value)
        if not text:
            continue
        for line in textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False):
            shown = "" if label == before else label
            yield f"  {shown:<{_LABEL}}{line}"
            before = label


def _equation(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "equation", f"{data['equation']}: {data['formula'] or '(no formula)'}"
    if data["formal"] is not None:
        yield "formal", data["formal"]
    if data["domain"]:
        yield "domain", _domain(data["domain"]) if isinstance(data["domain"], dict) else data["domain"]
    if data["codomain"]:
        yield "codomain", data["codomain"]


def _runs(data: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    place = f"{data['path']}:{data['line']}"
    return f"as it stands: obligation {data['qualname']}, {place}, of {said['kernel']} in subject {said['subject']}"


def _domain(data: Mapping[str, Any]) -> str:
    """A domain that can be drawn from, in a line: a size as it is written, an input as its dtype, shape and values."""
    return "; ".join(
        f"{name} {_drawn(entry) if isinstance(entry, dict) else _plain(entry)}" for name, entry in data.items()
    )


def _drawn(entry: Mapping[str, Any]) -> str:
    shape = f"[{', '.join(map(str, entry['shape']))}]" if isinstance(entry.get("shape"), list) else ""
    rest = [f"{key} {_plain(value)}" for key, value in entry.items() if key not in ("dtype", "shape")]
    return ", ".join([f"{entry.get('dtype')}{shape}", *rest])


def _plain(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (dict, list, bool)) else str(value)


def _mutant(data: Mapping[str, Any]) -> str:
    place = f" at {data['stage']}" if data["stage"] else ""
    place += "" if data["layer"] is None else f", layer {data['layer']}"
    note = f" ({data['note']})" if data["note"] else ""
    return f"{data['mutant']}{place}{note}: {data['verdict']}"


def _outcome(data: Mapping[str, Any]) -> str:
    word = str(data["outcome"])
    expected = ", as expected" if word == "refuted" and data["as_expected"] else ""
    why = ": ".join(filter(None, (data["reason"], data.get("detail") if not expected else "")))
    return f"{word}{expected}" + (f" ({why})" if why else "")


def _evidence(data: Mapping[str, Any]) -> str:
    case = f"[{data['case']}] " if data["case"] else ""
    reason = f" ({data['reason']})" if data["reason"] else ""
    when = f"seen {data['seen']}" if data["seen"] else "seen at a time unknown"
    commit = f" at commit {data['commit'][:12]}" if isinstance(data["commit"], str) and data["commit"] else ""
    stale = f"stale: {data['stale']}" if not data["fresh"] else "fresh"
    return f"{case}{data['verdict']}{reason}, {data['level']}, {when}{commit}, {stale}"


def _place(data: Mapping[str, Any]) -> str:
    return f"  {escape(data['path'])}:{data['line']}:{data['col']}"


def _one_line(value: Any) -> str:
    """Any value of a contract as text on one line; a structure as JSON."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list, bool)) else str(value)
    return escape(" ".join(text.split()))
