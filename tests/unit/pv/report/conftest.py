"""Reports made of contracts in YAML and of rows as a ledger holds them, folded by the real code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.changes import ClaimRef, Since
from pv.corpus import Reading
from pv.fold import CaseEvidence, fold
from pv.hypotheses import tree
from pv.load import Document, load
from pv.parse import parse
from pv.remark import Remark, Topic
from pv.report.finding_formats import writer
from pv.report.findings import Asked, Tally
from pv.shapes import Shape
from pv.source import Source
from pv.status import ContractStatus, Report, effective
from pv.trend import Trend
from pv.types import Diagnostic, Severity, Span
from pv.words import Effective

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pv.parse import Case, Contract

HOSTILE = "</script><img src=x onerror='window.hacked=1'>\"&]]>\u202egnp.exe\x1b[2J|`\r::error::%0A,:"

PARITY = """\
metadata:
  version: "1.0.0"
  description: Two engines over the same tokens agree in every stage.
  references: [r]
status: ACTIVE_RUNTIME
equations:
  rope: {formula: "q'(m) = R(m) q"}
  norm: {formula: x / sqrt(mean(x^2) + eps) * g}
falsification_tests:
  - {id: PARITY-001, rule: stages agree, prediction: "Every stage is within its bound.\\nIn isolation.", if_fails: look at rope,
     level: measured, binds_to: rope, params: {tokens: [16, 128]},
     mutants: [{id: rope-halves, stage: q_rope, layer: 3}, {id: norm-gain, stage: attn_norm}]}
  - {id: PARITY-002, prediction: logits agree, if_fails: look at the head, level: independent,
     mutants: [{id: head-shifted, stage: lm_head}]}
  - {id: PARITY-003, prediction: a known defect shows, if_fails: it was mended, expect: refuted,
     mutants: [{id: mended, stage: ffn_out}]}
status_history:
  - {date: "2026-11-01", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL, reason: first claims run, version: "0.9.0"}
  - {date: "2026-11-20", from: PARTIAL_ALGORITHM_LEVEL, to: ACTIVE_RUNTIME, evidence: [0123456789abcdef]}
"""
FORMAT = """\
metadata: {version: "1", description: d, references: [r]}
status: PARTIAL_ALGORITHM_LEVEL
equations: {f: {formula: x}}
falsification_tests:
  - {id: FORMAT-001, prediction: p, if_fails: q, mutants: [{id: bit, stage: header}]}
  - {id: FORMAT-002, prediction: p, if_fails: q, mutants: [{id: tail, stage: footer}]}
"""


class Maker:
    """Makes reports. Every case is as it should be unless `change` says otherwise: `ID`, `ID/label` or `*` to its row."""

    hostile = HOSTILE
    parity, format = PARITY, FORMAT

    def contract(self, text: str, name: str) -> Contract:
        document = load(Source(f"contracts/{name}.yaml", text))
        assert isinstance(document, Document), document
        return parse(document, name)

    def status(self, text: str, name: str, change: Mapping[str, Any] | None = None, **more: Any) -> ContractStatus:
        contract = self.contract(text, name)
        folded = tuple(
            fold(claim, [self._evidence(claim.id, case, str(claim.expect), change or {}) for case in claim.cases()])
            for claim in contract.claims
        )
        return ContractStatus(contract, folded, more.pop("effective", effective(folded)), **more)

    def report(self, *statuses: ContractStatus, **more: Any) -> Report:
        return Report(tuple(statuses), Path("/nowhere/.pv/ledger.jsonl"), ledger_exists=True, **more)

    def sample(self) -> Report:
        """Something of everything: good, capped and promotable, refuted, not run, stale, hostile."""
        worst = {"distance": 2e-7, "bound": 1e-6, "where": {"stage": "q_rope", "layer": 3}}
        since = Since(
            "main",
            "0123456789abcdef" * 2,
            newly_refuted=(ClaimRef("bad-v1", "PARITY-002", "contracts/bad-v1.yaml", 15, text="off"),),
            removed=(ClaimRef("gone-v1", "GONE-001", "contracts/gone-v1.yaml"),),
        )
        loosened = Remark(Topic.LOOSENED, "a bound was loosened", "PARITY-001", caps=True, span=Span(12, 5))
        rewritten = Remark(
            Topic.HISTORY, "an entry was rewritten", grave=True, span=Span(18, 3), help="put it back as it was"
        )
        hostile = PARITY.replace("PARITY-001", "'<img src=x onerror=window.hacked=1>'").replace(
            "logits agree", '"</script><script>window.hacked=1</script> \\u202Etxt.exe"'
        )
        return self.report(
            self.status(PARITY, "good-v1", {"*": {"level": "independent"}, "PARITY-001/16": {"worst": worst}}),
            self.status(
                PARITY,
                "bad-v1",
                {
                    "PARITY-002": {"verdict": "refuted", "message": "off by 3.1 % at lm_head"},
                    "PARITY-001/16-mutant-norm-gain": {
                        "verdict": "survived",
                        "message": "the falsifier lets the fault 'norm-gain' through",
                        "where": {},
                    },
                },
                trend=Trend(discharged=-1, refuted=1),
                remarks=(rewritten,),
            ),
            self.status(PARITY, "level-v1", {"*": {"level": "authored"}}),
            self.status(
                PARITY,
                "capped-v1",
                {"*": {"level": "independent"}},
                remarks=(loosened,),
                cap=loosened.text,
                effective=Effective.ACTIVE_ALGORITHM_LEVEL,
                supported=Effective.ACTIVE_RUNTIME,
            ),
            self.status(FORMAT, "format-v1", {"*": {"level": "algorithm"}}, trend=Trend(discharged=2)),
            self.status(FORMAT, "stale-v1", {"FORMAT-001": {"stale": "falsifier falsifiers/f.py has changed since"}}),
            self.status(FORMAT, "unrun-v1", {"*": None}),
            self.status(
                FORMAT.replace("PARTIAL_ALGORITHM_LEVEL", "PROPOSED"),
                "absent-v1",
                {"*": {"verdict": "inconclusive", "reason": "model absent", "message": "SmolLM2 is not here"}},
            ),
            self.status(hostile, "hostile-v1", {"PARITY-002": {"verdict": "refuted", "message": HOSTILE}}),
            since=since,
            problems=("ledger.jsonl:7: the last line is torn; left aside",),
        )

    def with_hypotheses(self) -> Report:
        """A contract whose claims test a tree of hypotheses: one refuted, what is below it moot, one open."""
        text = PARITY.replace(
            "equations:",
            "hypotheses:\n"
            "  WEIGHTS: {statement: the weights are read wrongly}\n"
            "  BIASES: {statement: 'only the <b>biases</b> are', parent: WEIGHTS}\n"
            "  ROTATION: {statement: the rotation is wrong}\n"
            "equations:",
        )
        for claim, name in (("PARITY-001", "WEIGHTS"), ("PARITY-002", "BIASES"), ("PARITY-003", "ROTATION")):
            text = text.replace(f"{{id: {claim},", f"{{id: {claim}, hypothesis: {name},")
        one = self.status(text, "hypotheses-v1", {"PARITY-001": {"verdict": "refuted"}, "PARITY-003": None})
        return self.report(
            replace(one, hypotheses=tree(one.contract, one.claims, {})), self.status(FORMAT, "format-v1")
        )

    def many(self, contracts: int) -> Report:
        """So many contracts of ten claims each."""
        claims = "\n".join(
            f"  - {{id: CLAIM-{number:03}, prediction: {'words that say what is predicted ' * 4}, if_fails: q, "
            f"mutants: [{{id: m{number}, stage: s}}]}}"
            for number in range(10)
        )
        text = FORMAT[: FORMAT.index("  - {id: FORMAT-001")] + claims + "\n"
        one = self.contract(text, "c")
        statuses = []
        for number in range(contracts):
            verdict = {0: "refuted", 1: "inconclusive"}.get(number % 10, "discharged")
            change = {f"CLAIM-{number % 10:03}": {"verdict": verdict}}
            folded = tuple(
                fold(claim, [self._evidence(claim.id, case, "discharged", change) for case in claim.cases()])
                for claim in one.claims
            )
            named = replace(one, name=f"contract-{number:04}-v1", path=f"contracts/contract-{number:04}-v1.yaml")
            statuses.append(ContractStatus(named, folded, effective(folded)))
        return self.report(*statuses)

    def _evidence(self, claim: str, case: Case, expected: str, change: Mapping[str, Any]) -> CaseEvidence:
        label = f"{claim}/{case.label}" if case.label else claim
        changed: dict[str, Any] = {}
        for key in ("*", *(() if case.mutant else (claim,)), label):
            if key in change and change[key] is None:
                return CaseEvidence(case)
            changed |= change.get(key) or {}
        if "stale" in changed:
            return CaseEvidence(case, stale=changed["stale"])
        where = {"stage": case.mutant.stage, "layer": case.mutant.layer} if case.mutant else {}
        row = {
            "verdict": "killed" if case.mutant else expected,
            "level": "measured",
            "compared": {"values": 576},
            "engines": [{"role": "subject", "name": "numpy", "build": "2.4"}],
            "where": {name: value for name, value in where.items() if value is not None},
            "commit": "fedcba9876543210" * 2,
            "dirty": False,
            "run": "r",
            "started": "2026-11-21T10:00:00.123456+00:00",
            "duration_s": 0.25,
            "environment": "aabbccddeeff0011",
            **changed,
        }
        return CaseEvidence(case, row, line=7, id="0123456789abcdef" * 4)


@pytest.fixture(scope="session")
def maker() -> Maker:  # a report maker; shadows the maker of tiny models, of which reports need none
    return Maker()


@pytest.fixture(scope="session")
def sample(maker: Maker) -> Report:
    return maker.sample()


@pytest.fixture
def of_rows(maker: Maker) -> Callable[..., Report]:
    """A report on one contract in the look of `maker.parity`."""

    def make(change: Mapping[str, Any] | None = None, **more: Any) -> Report:
        return maker.report(maker.status(maker.parity, "x-v1", change, **more))

    return make


class Findings:
    """Files with findings as `pv validate` hands them to the writers of its formats."""

    hostile = HOSTILE

    def found(self, code: str = "PV101", severity: Severity = Severity.ERROR, **changed: Any) -> Diagnostic:
        span = Span(changed.pop("line", 2), changed.pop("col", 1), changed.pop("width", 4))
        given = {"path": "contracts/a-v1.yaml", "message": "it is wrong", **changed}
        return Diagnostic(span=span, code=code, severity=severity, **given)

    def file(
        self,
        *findings: Diagnostic,
        name: str = "contracts/a-v1.yaml",
        text: str = PARITY,
        shape: Shape = Shape.CONTRACT,
    ) -> tuple[Reading, Source]:
        source = Source(name, text)
        document = load(source)
        told = tuple(found._replace(path=name) for found in findings)
        if not isinstance(document, Document):
            return Reading(Path(name), name, None, None, told), source
        contract = parse(document, Path(name).stem) if shape is Shape.CONTRACT else None
        return Reading(Path(name), name, source, contract, told, shape), source

    def write(self, format_: str, *files: tuple[Reading, Source | None], **asked: Any) -> str:
        """The whole report on these files, in one format."""
        report, tally = writer(format_, Asked(**asked)), Tally()
        parts = [report.begin()]
        for reading, source in files:
            tally.add(reading)
            parts.append(report.file(reading, source))
        return "".join([*parts, report.end(tally)])


@pytest.fixture(scope="session")
def findings() -> Findings:
    return Findings()
