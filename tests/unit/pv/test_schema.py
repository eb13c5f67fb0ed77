"""The published schema: what it accepts, what it refuses, and the two halves of validation that must agree about it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from pv.load import Document, load
from pv.parse import CONTRACT_BLOCKS
from pv.rules._schema import departures, schema
from pv.rules._valid import compiled
from pv.source import Source

ROOT = Path(__file__).parents[3]
CORPUS = ROOT.parent / "shared" / "corpus"
META = 'metadata: {version: "1.0", description: d}\n'
OBLIGATIONS = [
    "invariant",
    "equivalence",
    "bound",
    "monotonicity",
    "idempotency",
    "linearity",
    "symmetry",
    "associativity",
    "conservation",
    "ordering",
    "completeness",
    "soundness",
    "roundtrip",
    "involution",
    "determinism",
    "state_machine",
    "classification",
    "independence",
    "termination",
    "safety",
    "liveness",
    "precondition",
    "postcondition",
    "frame",
    "loop_invariant",
    "loop_variant",
    "old_state",
    "subcontract",
]
KINDS = [
    "kernel",
    "registry",
    "model-family",
    "model-family-variant",
    "tokenizer",
    "training-loop",
    "pretraining-corpus",
    "training-precondition-gate",
    "corpus-assembly",
    "pattern",
    "schema",
    "beat-benchmark",
    "competitive-parity",
    "kaizen",
]

ACCEPTED = {
    "the least": "",
    "equations as a map": "equations: {f: {formula: x, domain: R, invariants: [a], tolerance: 1e-6}}",
    "equations as a list": "equations: [{id: f, formula: x}, {formula: y}]",
    "equations empty": "equations:",
    "new spellings": "falsification_tests: [{id: F-1, rule: r, prediction: p, test: t, if_fails: f}]",
    "old spellings": "falsification_tests: [{id: F-1, description: r, expected: p, command: t, fails_if: f}]",
    "only an id": "falsification_tests: [{id: F-1}]",
    "an id that is a number": "falsification_tests: [{id: 1}]",
    "a test's name": "falsification_tests: [{id: F-1, test_harness: a::b, name: n, obligation: [O-1, O-2]}]",
    "our own": "falsification_tests: [{id: F, expect: refuted, level: measured, tolerance: 1e-6, domain: {n: [1, 2]}, "
    "binds_to: f, params: {n: [1, 2]}, mutants: [{id: m, stage: s, layer: 0, note: n}], pending: [{file: f}], "
    "valid_for: 30d, hypothesis: h, parent: g}]",
    "one's own keys": "falsification_tests: [{id: F, x-owner: me}]\nx-block: [1]",
    "conditions": "falsification_conditions: [{id: F-1, name: n, status: PLANNED, assertion: a}]",
    "invariants as claims": "invariants: [{id: F-1, summary: s}]",
    "obligations": "proof_obligations:\n" + "".join(f"  - {{type: {kind}, property: p}}\n" for kind in OBLIGATIONS),
    "an obligation's other spellings": "proof_obligations: [{statement: s, verification: v, applies_to: scalar}]",
    "an obligation that does not apply": "proof_obligations: [{type: bound, property: p, applies_to: not_applicable, "
    "na_reason: r, na_owner: o}]",
    "a proof in Lean": "proof_obligations: [{type: bound, property: p, lean: {theorem: T, status: sorry, "
    "depends_on: [a], mathlib_imports: [b]}}]",
    "a harness": "kani_harnesses: [{id: K, obligation: O, property: p, bound: 0x10, strategy: stub_float, solver: s, "
    "harness: h, actually_verified: true}]",
    "phases": "kernel_structure: {phases: [{name: a, description: d, invariant: i}]}",
    "dispatch": "simd_dispatch: {k: {scalar: a, avx2: b}}",
    "enforcement": "enforcement: {e: {description: d, check: c, severity: ERROR, reference: r}}",
    "a gate": "qa_gate: {id: Q, name: n, description: d, checks: [c], pass_criteria: p, falsification: f}",
    "a summary": "verification_summary: {total_obligations: 6, l2_property_tested: 6, l4_not_applicable: 1}",
    "another summary": "verification_summary: {current_level: L2, target_level: L3}",
    "type invariants": "type_invariants: [{name: n, type: T, predicate: 'x > 0', description: d}]",
    "Coq": "coq_spec: {module: M, imports: [a], definitions: [b], obligations: [{links_to: O, coq_lemma: l, status: stub}]}",
    "clauses": "requires: [{id: R, statement: s, formal: f, formal_status: parsed}]\nensures: [{id: E, statement: s}]",
    "evidence": "evidence: {level: L3, mark: V, provenance: {wasGeneratedBy: {command: c, git_sha: 0a}}}",
    "stories": "stories: [{id: S, competitor: c, demand_score: 3, status: missing}]",
    "history": "status: ACTIVE\nstatus_history: [{date: '2026-01-02', from: A v1, to: B v2, reason: r}, "
    "{date: 2026-01-02, note: n}, {date: '2026-01-02', to: B, measured_parity: {score: 1}}]",
    "hypotheses": "hypotheses: {h: {statement: s, parent: g}}",
    "an unknown block": "weights: [1, 2]",
}
REFUSED = {  # what, text after the metadata, the keyword and the path
    "a claim without id": ("falsification_tests: [{prediction: p}]", "required", "falsification_tests 0"),
    "claims as a map": ("falsification_tests: {a: {}}", "type", "falsification_tests"),
    "an unknown key": ("falsification_tests: [{id: F, ruel: r}]", "additionalProperties", "falsification_tests 0"),
    "an unknown key of an equation": ("equations: {f: {formla: x}}", "additionalProperties", "equations f"),
    "an unknown key in a list": ("equations: [{formla: x}]", "additionalProperties", "equations 0"),
    "a bare word": ("enforcement: {e: word}", "type", "enforcement e"),
    "a test that is a list": ("falsification_tests: [{id: F, test: [a]}]", "type", "falsification_tests 0 test"),
    "an unknown type": ("proof_obligations: [{type: Bound}]", "enum", "proof_obligations 0 type"),
    "a layer below zero": (
        "falsification_tests: [{id: F, mutants: [{id: m, layer: -1}]}]",
        "minimum",
        "falsification_tests 0 mutants 0 layer",
    ),
    "a layer that is half": (
        "falsification_tests: [{id: F, mutants: [{id: m, layer: 0.5}]}]",
        "type",
        "falsification_tests 0 mutants 0 layer",
    ),
    "a bound in quotes": ("kani_harnesses: [{id: K, bound: '8'}]", "type", "kani_harnesses 0 bound"),
    "a clause of another shape": ("requires: [{id: R, said: s}]", "additionalProperties", "requires 0"),
    "an unknown mark": ("evidence: {mark: X}", "enum", "evidence mark"),
    "an invariant of a type": ("type_invariants: [{nam: n}]", "additionalProperties", "type_invariants 0"),
    "a count that is text": (
        "verification_summary: {total_obligations: six}",
        "type",
        "verification_summary total_obligations",
    ),
    "an instruction set": ("simd_dispatch: {k: {scalar: [a]}}", "type", "simd_dispatch k scalar"),
    "a phase without name": ("kernel_structure: {phases: [{invariant: i}]}", "required", "kernel_structure phases 0"),
}


def document_of(text: str) -> Document:
    document = load(Source("t.yaml", text))
    assert isinstance(document, Document), document
    return document


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_every_shape_in_use_is_accepted(text: str) -> None:
    document = document_of(META + text)
    assert [error.message for error in Draft7Validator(schema()).iter_errors(document.data)] == []
    assert departures(document) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_known(kind: str) -> None:
    assert departures(document_of(f"metadata: {{version: '1', description: d, kind: {kind}}}")) == ()


@pytest.mark.parametrize(("text", "keyword", "path"), REFUSED.values(), ids=REFUSED)
def test_what_means_something_else_is_refused_in_its_place(text: str, keyword: str, path: str) -> None:
    found = [(one.keyword, " ".join(map(str, one.path))) for one in departures(document_of(META + text))]
    assert found == [(keyword, path)]


def test_there_are_28_types_of_obligation_and_14_kinds() -> None:
    definitions = schema()["definitions"]
    assert definitions["obligation"]["properties"]["type"]["enum"] == OBLIGATIONS
    assert schema()["properties"]["metadata"]["properties"]["kind"]["enum"] == KINDS
    assert (len(OBLIGATIONS), len(KINDS)) == (28, 14)


def test_it_says_what_it_is() -> None:
    Draft7Validator.check_schema(schema())
    assert schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema()["$id"]
    assert schema()["title"] == "Contract"


def properties(part: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every property that the schema names, at any depth."""
    found = []
    if isinstance(part, dict):
        for name, below in part.get("properties", {}).items():
            found += [(f"{path}.{name}", below), *properties(below, f"{path}.{name}")]
        for key in ("items", "additionalProperties"):
            found += properties(part.get(key), f"{path}.*")
        for name, below in part.get("definitions", {}).items():
            found += properties(below, name)
    return found


def test_an_editor_can_say_what_each_property_is_for() -> None:
    found = properties(schema())
    assert len(found) > 150
    described = schema()["definitions"]
    assert [
        path
        for path, part in found
        if not (part.get("description") or described[part["$ref"].rpartition("/")[2]].get("description"))
    ] == []


def test_every_block_of_a_contract_is_described() -> None:
    assert set(CONTRACT_BLOCKS) <= schema()["properties"].keys()


@pytest.mark.parametrize(
    ("part", "value", "valid"),
    [
        ({"type": "integer"}, 1.0, True),
        ({"type": "integer"}, 1.5, False),
        ({"type": "integer"}, True, False),
        ({"type": "number"}, True, False),
        ({"type": ["integer", "null"], "minimum": 0}, -1.0, False),
        ({"type": ["integer", "null"], "minimum": 0}, None, True),
        ({"enum": ["a"]}, 1, False),
        ({"enum": ["a"]}, [], False),
        ({"const": "a"}, "a", True),
        ({"minLength": 2}, "a", False),
        ({"minLength": 2}, 1, True),
        ({"pattern": "b"}, "abc", True),
        ({"pattern": "^b"}, "abc", False),
        ({"items": {"type": "string"}}, ["a", 1], False),
        ({"items": False}, [], True),
        ({"items": False}, [1], False),
        ({"items": False}, {}, True),
        ({"required": ["a"]}, {}, False),
        ({"required": ["a"]}, [], True),
        ({"properties": {"a": False}}, {"a": 1}, False),
        ({"properties": {"a": True}, "additionalProperties": False}, {"a": 1}, True),
        ({"properties": {"a": True}, "additionalProperties": False}, {"b": 1}, False),
        ({"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False}, {"x-a": "s"}, True),
        ({"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False}, {"x-a": 1}, False),
        ({"properties": {"x-a": {}}, "patternProperties": {"^x-": {"type": "string"}}}, {"x-a": 1}, False),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, False),
        ({"anyOf": [{"type": "string"}, {}]}, 1, True),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, "", False),
        ({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "null"}}, "", False),
        ({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "null"}}, 1, False),
        ({"if": {"type": "string"}, "then": {"minLength": 1}}, 1, True),
        ({"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {"type": "null"}}}, None, True),
        ({"items": {"$ref": "#"}, "type": "array"}, [[], [[]]], True),
        ({"items": {"$ref": "#"}, "type": "array"}, [[], [1]], False),
    ],
)
def test_the_quick_check_means_what_jsonschema_means(part: Any, value: Any, valid: bool) -> None:
    assert Draft7Validator(part).is_valid(value) is valid
    assert compiled(part)(value) is valid


@pytest.mark.parametrize("part", [{"maximum": 1}, {"items": {"oneOf": []}}, {"enum": [1]}, {"const": None}])
def test_the_quick_check_refuses_what_it_does_not_know(part: Any) -> None:
    with pytest.raises(ValueError, match="not compiled"):
        compiled(part)


@pytest.mark.parametrize("folder", [ROOT / "contracts", CORPUS], ids=["ours", "theirs"])
def test_jsonschema_is_left_alone_where_nothing_departs(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip("the corpus of real contracts is not here")
    code = "import sys, pv.cli; pv.cli.main(); print('jsonschema' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, "validate", str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "False", done.stdout


def test_what_departs_is_explained_by_jsonschema(tmp_path: Path) -> None:
    (tmp_path / "a-v1.yaml").write_text(META + "enforcement: {e: word}\n")
    code = "import sys, pv.cli; pv.cli.main(); print('jsonschema' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, "validate", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "True"
    assert "'enforcement.e' must be a mapping, not 'word'" in done.stdout
