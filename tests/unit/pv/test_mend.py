"""Fixes put into the text of contracts: what they change, and that nothing else does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import pv.mend
from pv.corpus import Reading, read_text
from pv.mend import Effect, Mending, Unsafe, mend
from pv.policy import Policy
from pv.source import Source
from pv.types import Diagnostic, Fix, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

META = "metadata: {version: '1', description: d, references: [r]}\n"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


def read(text: str) -> tuple[Reading, Source]:
    source = Source("a.yaml", text)
    return read_text(Path("contracts/a.yaml"), source), source


def mended(text: str) -> Mending:
    return mend(*read(text))


@pytest.mark.parametrize(
    ("before", "after", "effects"),
    [
        (
            # the text of values stays, whatever it looks like
            (
                "falsification_tests:\r\n- id: F-1\r\n  description:   'a  b'   # why, description: c\r\n"
                "  'expected': |\r\n    expected: 2026-01-02\r\n\r\n  if_fails: q"
            ),
            (
                "falsification_tests:\r\n- id: F-1\r\n  rule:   'a  b'   # why, description: c\r\n"
                "  'prediction': |\r\n    expected: 2026-01-02\r\n\r\n  if_fails: q"
            ),
            {Effect.RENAMED: 2},
        ),
        (
            "falsification_tests: [{id: 漢😀é, expected: '漢😀', command: t}, {id: 😀, fails_if: 漢}]",
            "falsification_tests: [{id: 漢😀é, prediction: '漢😀', test: t}, {id: 😀, if_fails: 漢}]",
            {Effect.RENAMED: 3},
        ),
        (
            "falsification_tests:\n  - &one\n    id: F-1\n    expected: p\n  - *one\nx-a: [*one]\n",
            "falsification_tests:\n  - &one\n    id: F-1\n    prediction: p\n  - *one\nx-a: [*one]\n",
            {Effect.RENAMED: 1},
        ),
        (
            "falsification:\n  - {id: F-1, expected: p, if_fails: no}\n",
            'falsification_tests:\n  - {id: F-1, prediction: p, if_fails: "no"}\n',
            {Effect.RENAMED: 2, Effect.QUOTED: 1},
        ),
        (
            "proof_obligation:\t\n  - {type: bound, property: x}\n\n\n",
            "proof_obligations:\t\n  - {type: bound, property: x}\n\n\n",
            {Effect.RENAMED: 1},
        ),
        ("x-a: &day  2026-01-02\u2028x-b: *day\x85x-c: 1:30\r", None, {Effect.QUOTED: 2}),
        # nothing that is surely meant so
        ("proof_obligation: []\nproof-obligations: []\n", "proof_obligation: []\nproof-obligations: []\n", {}),
        ("proof_obligation: {}\n", "proof_obligation: {}\n", {}),
        ("proof_obligation: []\nproof_obligations: []\n", "proof_obligation: []\nproof_obligations: []\n", {}),
        ("x-a: 1e-6\nstatus_history: 1_0\n", "x-a: 1e-6\nstatus_history: 1_0\n", {}),
    ],
)
def test_what_is_mended(before: str, after: str | None, effects: dict[Effect, int]) -> None:
    wanted = before.replace("2026-01-02", '"2026-01-02"').replace("1:30", '"1:30"') if after is None else after
    done = mended(META + before)
    assert done.text == META + wanted
    assert done.effects == effects
    assert done.before.text == META + before


def test_evidence_outlives_a_change_of_spelling() -> None:
    claim = "{id: F-1, description: r, expected: 2026-01-02, command: no, fails_if: q, x-a: 1:30, tolerance: 1e-6}"
    done = mended(f"{META}valid_for: 30d\nfalsification_tests:\n  - {claim}\n")
    before = read(done.before.text)[0].contract
    after = done.reading.contract
    assert before is not None
    assert after is not None
    assert done.effects == {Effect.RENAMED: 4, Effect.QUOTED: 3}
    assert [one.fingerprint for one in before.claims] == [one.fingerprint for one in after.claims]
    assert "'" + after.claims[0].prediction + after.claims[0].test == "'2026-01-02no"


def test_what_is_hidden_or_not_chosen_is_left() -> None:
    text = f"{META}falsification_tests:\n  - id: F-1\n    expected: p # pv: ignore[PV105] as upstream writes it\n"
    assert mended(text).text == text
    text = f"{META}x-a: 2026-01-02\nfalsification_tests: [{{id: F-1, expected: p}}]\n"
    reading, source = read(text)
    policy = Policy(ignore=("PV107",))
    done = mend(reading._replace(findings=tuple(policy.judge(reading.findings))), source, policy=policy)
    assert done.text == text.replace("expected", "prediction")


def planted(text: str, *fixes: Fix) -> tuple[Reading, Source]:
    """A text with findings that offer these fixes."""
    reading, source = read(text)
    found = [Diagnostic("a.yaml", fix.span, "PV999", Severity.ERROR, "m", fix=fix) for fix in fixes]
    return reading._replace(findings=tuple(found)), source


TEXT = META + "x-a: b # c\nx-d: [e, 'f']\nx-g: &h 1\nx-i: *h\n"


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        (Fix(Span(2, 6, 1), "z"), "'b' at line 2 would become 'z'"),
        (Fix(Span(2, 6, 1), '"z"'), "would become 'z'"),
        (Fix(Span(2, 6, 0), "z"), "would become 'zb'"),
        (Fix(Span(2, 6, 3), '"b"'), "would become"),  # a comment is eaten
        (Fix(Span(2, 1, 3), "x-z: 1\nx-a"), "would become"),
        (Fix(Span(2, 5, 0), "\nx-z:"), "would become"),
        (Fix(Span(2, 1, 3), "x-d"), "duplicate key 'x-d'"),
        (Fix(Span(2, 6, 1), "@"), "would be no YAML"),
        (Fix(Span(2, 8, 1), "\n"), "would"),  # the comment becomes a value
        (Fix(Span(3, 10, 3), "f"), "would become"),  # quotes are taken away
        (Fix(Span(3, 10, 3), '"f"'), "would become"),  # other quotes are no fix
        (Fix(Span(3, 7, 1), "e: 1"), "would become"),
        (
            Fix(Span(3, 6, 8), "\n  - e\n  - 'f'"),
            "SequenceStart at line 3 would become SequenceStart",
        ),  # another layout
        (Fix(Span(4, 6, 2), ""), "would become"),
        (Fix(Span(4, 6, 4), '"1"'), "'1' at line 4 would become '1'"),  # an anchor is lost
        (Fix(Span(5, 6, 2), "1"), "would become"),
        (Fix(Span(1, 1, 0), "---\n"), "would become"),
        (Fix(Span(6, 1, 0), "x-z: 1\n"), "would become"),
        (Fix(Span(6, 1, 0), "--- 1\n"), "hold more or less|would become"),
    ],
)
def test_a_fix_that_changes_more_is_refused(fix: Fix, words: str) -> None:
    with pytest.raises(Unsafe, match=words):
        mend(*planted(TEXT, fix))


@pytest.mark.parametrize(
    ("fix", "effect"),
    [
        (Fix(Span(2, 6, 1), '"b"'), Effect.QUOTED),
        (Fix(Span(2, 6, 1), "'b'"), Effect.QUOTED),
        (Fix(Span(4, 9, 1), '"1"'), Effect.QUOTED),
        (Fix(Span(2, 1, 3), "x-zz"), Effect.RENAMED),
        (Fix(Span(2, 1, 0), "# z\n"), Effect.COMMENT),
        (Fix(Span(2, 10, 1), "z"), Effect.COMMENT),
        (Fix(Span(6, 1, 0), "# z"), Effect.COMMENT),
    ],
)
def test_a_fix_that_does_what_it_may(fix: Fix, effect: Effect) -> None:
    reading, source = planted(TEXT, fix)
    done = mend(reading, source)
    assert done.effects == {effect: 1}
    start, end = source.offset(fix.span), source.offset(fix.span) + fix.span.width
    assert done.text == TEXT[:start] + fix.text + TEXT[end:]


def test_fixes_at_one_place_are_put_in_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    fixes = [Fix(Span(2, 1, 3), "x-m"), Fix(Span(2, 1, 3), "x-n"), Fix(Span(2, 6, 1), "'b'"), Fix(Span(2, 6, 1), "'b'")]
    later = iter([planted("", Fix(Span(2, 1, 3), "x-o"))[0].findings, ()])
    monkeypatch.setattr(
        pv.mend, "read_text", lambda path, source, **_: read_text(path, source)._replace(findings=next(later))
    )
    done = mend(*planted(TEXT, *fixes))
    assert done.text == TEXT.replace("x-a: b", "x-o: 'b'")
    assert done.effects == {Effect.RENAMED: 2, Effect.QUOTED: 1}


def test_a_fix_that_does_not_settle_its_finding_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    again = planted("", Fix(Span(1, 1, 0), "# z\n"))[0].findings
    monkeypatch.setattr(
        pv.mend, "read_text", lambda path, source, **_: read_text(path, source)._replace(findings=again)
    )
    with pytest.raises(Unsafe, match="still something to mend"):
        mend(*planted(TEXT, *(found.fix for found in again if found.fix)))


# A contract is built twice at once: as it is, and as it has to be. Each part is such a pair.
Pair = tuple[str, str]


def same(*words: str) -> list[Pair]:
    return [(word, word) for word in words]


WORDS = st.sampled_from(
    [
        *same("p", "p < 1e-6 漢😀", "'no'", '"2026-01-02"', "no way", "'it''s'", '"\\x41"', "null x", "on 1:30 h", "é"),
        *((word, f'"{word}"') for word in ("no", "On", "2026-01-02", "1:30", "2026-1-2T10:00:00Z")),
    ]
)
BLOCKS = st.sampled_from(
    same("|\n      no\n\n      2026-01-02", ">-\n      expected: 1:30\n      # no", "\n      p\n      q")
)
COMMENTS = st.sampled_from(["", " # no", "   # command: 2026-01-02 é😀", "\t# expected: x"])
QUOTES = st.sampled_from(["{}", "'{}'", '"{}"'])
FIELDS = [("rule", "description"), ("prediction", "expected"), ("test", "command"), ("if_fails", "fails_if")]


def joined(pairs: Sequence[Pair], glue: str = "") -> Pair:
    return glue.join(one for one, _ in pairs), glue.join(other for _, other in pairs)


@st.composite
def a_claim(draw: st.DrawFn, number: int) -> Pair:
    chosen = draw(st.lists(st.sampled_from(FIELDS), unique=True, max_size=4))
    keys = []
    for names in chosen:
        quotes = draw(QUOTES)
        keys.append((quotes.format(draw(st.sampled_from(names))), quotes.format(names[0])))
    if draw(st.booleans()):
        values = [draw(WORDS) for _ in keys]
        gaps = [draw(st.sampled_from([": ", ":   ", " : "])) for _ in keys]
        parts = [joined([key, (gap, gap), value]) for key, gap, value in zip(keys, gaps, values, strict=True)]
        inner = joined([(f"id: F-{number}",) * 2, *parts], draw(st.sampled_from([", ", " ,\n      "])))
        return joined([*same("  - {"), inner, *same("}\n")])
    lines = same(f"  - id: F-{number}{draw(COMMENTS)}\n")
    for key in keys:
        blocks = draw(st.booleans())
        comment = "" if blocks else draw(COMMENTS)
        lines += [("    ",) * 2, key, (": ",) * 2, draw(BLOCKS if blocks else WORDS), (f"{comment}\n",) * 2]
        if draw(st.booleans()):
            lines += same(draw(st.sampled_from(["\n", "    # command: no\n", "# expected\n\n"])))
    return joined(lines)


@st.composite
def contracts(draw: st.DrawFn) -> Pair:
    versions = [*same("1.0.0", "'1.10'", "3", '"1.0"'), *((one, f'"{one}"') for one in ("1.0", "1.10", "2.50"))]
    block = draw(
        st.sampled_from(
            [
                *same("falsification_tests", '"falsification_tests"'),
                ("falsification", "falsification_tests"),
                ("'falsification_test'", "'falsification_tests'"),
                ("Falsification-Tests", "falsification_tests"),
            ]
        )
    )
    parts = [
        *same(draw(st.sampled_from(["", "---\n", "# a comment\n", "\n\n"])), "metadata:\n  version: "),
        draw(st.sampled_from(versions)),
        *same(f"{draw(COMMENTS)}\n  description: d\n  references: [r]\n"),
        *draw(st.sampled_from([[], [("  created: ",) * 2, draw(WORDS), ("\n",) * 2]])),
        block,
        *same(f":{draw(COMMENTS)}\n"),
        *(draw(a_claim(number)) for number in range(draw(st.integers(1, 4)))),
        *same(
            draw(st.sampled_from(["", "x-a: {b: *c}\n"])).replace("*c", "d"),
            draw(st.sampled_from(["", "...\n", "\n# end"])),
        ),
    ]
    before, after = joined(parts)
    if draw(st.booleans()):
        before, after = before.replace("\n", "\r\n"), after.replace("\n", "\r\n")
    if draw(st.booleans()):
        before, after = before.rstrip("\r\n"), after.rstrip("\r\n")
    return before, after


@given(contracts())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_layout_is_kept_and_twice_is_once(pair: Pair) -> None:
    before, after = pair
    done = mended(before)
    assert done.text == after
    assert mended(after).effects == Counter()
    assert sum(done.effects.values()) >= (before != after)


def test_a_second_mark_of_byte_order_shifts_no_place() -> None:
    text = "\ufeff%s: {description: d, version: 1.2.0}\n%s:\n  - {id: F-1}\n"
    assert mended(text % ("metadata", "Falsification-Tests")).text == text % ("metadata", "falsification_tests")


@given(contracts(), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_is_too_odd(pair: Pair, data: st.DataObject) -> None:
    text = pair[0]
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 4)))
        piece = data.draw(
            st.sampled_from(
                [
                    "",
                    "\n",
                    "\r",
                    "\x85",
                    "\u2028",
                    "\ufeff",
                    ":",
                    "- ",
                    "&a ",
                    "*a",
                    "{",
                    "}",
                    "'",
                    "no",
                    "😀",
                    "? ",
                    "|",
                    "!",
                    "\t",
                ]
            )
        )
        text = text[:start] + piece + text[end:]
    reading, source = read(text)
    if reading.readable:
        done = mend(reading, source)
        assert mended(done.text).effects == Counter()


@given(st.text("ab:-[]{},#&*!|>'\"%@`? \n\r\t\x85\u2028\ufeff0127eon.😀é", max_size=60))
@example("\ufeff2026-01-02: 2026-01-02")
@example("? 2026-01-02\n: on")
@settings(max_examples=150, deadline=None)
def test_no_block_is_too_odd(text: str) -> None:
    reading, source = read(f"{META}{text}")
    if reading.readable:
        done = mend(reading, source)
        assert mended(done.text).effects == Counter()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real contracts is not here")
def test_real_contracts_say_the_same_afterwards() -> None:
    seen = 0
    for path in sorted(CORPUS.rglob("*.yaml")):
        source = Source(path.name, path.read_bytes().decode("utf-8-sig"))
        reading = read_text(path, source)
        # every date without its quotes, every field under its older name: there is something to mend everywhere
        older = source.text.replace("    prediction:", "    expected:").replace("    if_fails:", "    fails_if:")
        worse = Source(path.name, older)
        done = mend(read_text(path, worse), worse)
        if reading.contract and done.reading.contract:
            seen += sum(done.effects.values())
            assert [one.fingerprint for one in reading.contract.claims] == [
                one.fingerprint for one in done.reading.contract.claims
            ]
    assert seen > 500
