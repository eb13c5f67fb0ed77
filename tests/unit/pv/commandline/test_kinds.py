"""What the text of a test is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pv.commandline import TestKind, kind_of, references

CORPUS = Path(__file__).parents[5] / "shared" / "corpus"

KINDS: dict[TestKind, list[str | None]] = {
    TestKind.NONE: ["", "  \n", None],
    TestKind.PROSE: [
        "direct test",
        "Deterministic: 28 * 128 == 3584",
        "TBD",
        "manual",
        "test that the output is finite",
        "find the largest head and compare",
        "cargo test should pass for every type in the crate",
        "grep for unwrap in the crate",
        "sum over all rows, check |x - y| < 0.05",
        "make sure each block is read",
        "time to first token stays below the bound",
        "Run the model; the logits must agree",
        "repository of the tool: `ccpa corpus fixtures --json` gives the score",
        "sort the values and compare -1 with them",
        "it's a quote with no end",
        "call lookup twice, assert bitwise equality",
        "LIVE-PENDING",
        "make it fail",
        "make tests fast",
        "just look",
        "true positives only",
        "exit status is 2",
        "echo cancellation",
        "go through",
        "stack overflow",
    ],
    TestKind.PROPTEST: ["proptest with random x", "proptest", "Proptest: fit twice, compare", "prop test over shapes"],
    TestKind.NAME: [
        "test_softmax_sums",
        "prop_order",
        "falsify_a_001",
        "TestRouter",
        "testOrder",
        "test_a, test_b",
        "test_a()",
    ],
    TestKind.RUST_PATH: [
        "reader::tests::nibbles",
        "contract_tests::FALSIFY-A-001",
        "contract_tests::FALSIFY-A-001, contract_tests::FALSIFY-A-002",
        "kernels::dot (ignored on CI)",
        "contract_tests::FALSIFY-A-004 — every format",
    ],
    TestKind.PYTEST: ["tests/test_a.py::test_b", "tests/test_a.py::TestX::test_b[two words]", "a.py::f and a.py::g"],
    TestKind.FALSIFIER: ["falsifiers/a.py::check", "falsifiers.a.check", "falsifiers.a:check", "./falsifiers/a.py"],
    TestKind.CLAIM: ["contracts/a-v1.yaml::FALSIFY-A-001", "a-v1.yaml::FALSIFY-A-001[16]"],
    TestKind.FILE: ["scripts/check.sh", "crate/tests/order.rs (planned)", ".github/workflows/ci.yml", "./run.sh"],
    TestKind.CARGO: [
        "cargo test -p reader",
        "RUST_LOG=debug cargo test",
        "cargo test -p a\n  nibbles_in_order",
        "  cargo nextest run --all",
        "cargo test -p a AND apr check m.apr",
        "set -e; cd crates/a; cargo test",
        "cd crates/a && cargo test",
        "! cargo build",
        "out=$(cargo test 2>&1) || exit 1",
    ],
    TestKind.STACK: ["apr parity model.gguf --assert", "pv validate contracts", "target/release/apr check m.apr"],
    TestKind.SHELL: [
        "grep -q word src/lib.rs",
        "test -f model.apr",
        "[ -f model.apr ]",
        "./scripts/check.sh --all",
        "bash scripts/check.sh",
        "python3 -m pytest -q tests",
        "# where the file is\nA=/tmp/x\n[ -f $A ] || exit 1",
        "if grep -q a b; then exit 1; fi",
        "some-tool --strict model.apr",
        "diff -q a.txt b.txt",
        "find src -name '*.rs'",
        "make test > log.txt",
        # few words, and no sentence
        "true",
        "! false",
        "exit 1",
        "echo PASS",
        'echo "ok"',
        "make test",
        "make lint test-migrations",
        "sudo make check",
        "just test",
        "go vet",
        "mvn test",
        "bundle exec rspec --fail-fast",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in KINDS.items() for text in texts])
def test_kind(kind: TestKind, text: str | None) -> None:
    assert kind_of(text) is kind


def test_every_kind_has_examples() -> None:
    assert set(KINDS) == set(TestKind)


def test_a_command_is_no_prose() -> None:
    assert {kind for kind in TestKind if kind.is_command} == {TestKind.CARGO, TestKind.STACK, TestKind.SHELL}
    assert {kind for kind in TestKind if kind.is_prose} == {TestKind.PROSE, TestKind.PROPTEST}


def test_references_are_told_apart_from_remarks() -> None:
    assert references("tests/a.py::b (slow)") == ["tests/a.py::b"]
    assert references("a::b, a::c — both") == ["a::b", "a::c"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "cargo " + "a " * 50_000,
        "_" * 50_000 + "!",
        "a/" * 30_000,
        "(" * 30_000,
        "cd a;" * 9_000,
        "x=$(" * 9_000,
    ],
)
def test_long_texts_are_read_quickly(text: str) -> None:
    assert kind_of(text) in TestKind  # and not after minutes


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_the_kinds_of_real_tests() -> None:
    from collections import Counter

    from pv.corpus import read_all

    claims = [claim for one in read_all([CORPUS], CORPUS) if one.contract for claim in one.contract.claims]
    # each text was read, and its kind found right
    assert Counter(kind_of(claim.test) for claim in claims) == {
        TestKind.PROPTEST: 424,
        TestKind.PROSE: 80,
        TestKind.NONE: 13,  # among them eight whose test is written out as Rust under `falsification_test`
        TestKind.FILE: 8,
        TestKind.STACK: 6,
    }
