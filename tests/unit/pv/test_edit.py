"""Edits of contracts: what was wanted is there, and every other byte is what it was."""

from __future__ import annotations

import itertools
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pv import edit
from pv.edit import edited, write
from pv.load import Document, load
from pv.notation import block, flow, scalar
from pv.source import Source, read_source
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = {"date": "2027-01-01T00:00:00Z", "from": "PROPOSED", "to": "ACTIVE_RUNTIME", "evidence": ["0123456789012345"]}
ADDED = (
    '  - date: "2027-01-01T00:00:00Z"\n    from: PROPOSED\n    to: ACTIVE_RUNTIME\n    evidence: ["0123456789012345"]\n'
)


def change(text: str, status: str | None = "ACTIVE_RUNTIME", entry: dict[str, Any] | None = None) -> str:
    return edited(Source("x.yaml", text), status, entry or ENTRY)


def data(text: str) -> Any:
    document = load(Source("x.yaml", text))
    assert isinstance(document, Document), document
    return document.data


M = 'metadata: {version: "1"}\n'
OLD = '  - {date: "2026-01-01", from: PROPOSED, to: PROPOSED}\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # the status: wherever it is declared, in the quotes that it has, with the comment behind it
        (
            f"{M}status: PROPOSED # why\nstatus_history:\n{OLD}",
            f"{M}status: ACTIVE_RUNTIME # why\nstatus_history:\n{OLD}{ADDED}",
        ),
        (f"{M}status: 'A'\nstatus_history:\n{OLD}", f"{M}status: 'ACTIVE_RUNTIME'\nstatus_history:\n{OLD}{ADDED}"),
        (f'{M}status: "A"\nstatus_history:\n{OLD}', f'{M}status: "ACTIVE_RUNTIME"\nstatus_history:\n{OLD}{ADDED}'),
        (
            f"{M}status:  # none\nstatus_history:\n{OLD}",
            f"{M}status: ACTIVE_RUNTIME  # none\nstatus_history:\n{OLD}{ADDED}",
        ),
        (
            f"{M}status: >-\n  PRO\n  POSED\n\nstatus_history:\n{OLD}",
            f"{M}status: ACTIVE_RUNTIME\n\nstatus_history:\n{OLD}{ADDED}",
        ),
        (
            f"metadata:\n  status: A # s\n  version: 1\nstatus_history:\n{OLD}",
            f"metadata:\n  status: ACTIVE_RUNTIME # s\n  version: 1\nstatus_history:\n{OLD}{ADDED}",
        ),
        (
            f"metadata: {{status: A, version: 1}}\nstatus_history:\n{OLD}",
            f"metadata: {{status: ACTIVE_RUNTIME, version: 1}}\nstatus_history:\n{OLD}{ADDED}",
        ),
        # both are there: the one at the top counts
        (
            f"metadata: {{status: A}}\nstatus: A\nstatus_history:\n{OLD}",
            f"metadata: {{status: A}}\nstatus: ACTIVE_RUNTIME\nstatus_history:\n{OLD}{ADDED}",
        ),
        # none is there: above the history and its comments, after the metadata
        (
            f"{M}\n# the\n# history\nstatus_history:\n{OLD}",
            f"{M}\nstatus: ACTIVE_RUNTIME\n\n# the\n# history\nstatus_history:\n{OLD}{ADDED}",
        ),
        (f"{M}status_history:\n{OLD}", f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n{OLD}{ADDED}"),
        (f"{M}a: 1\n", f"{M}status: ACTIVE_RUNTIME\na: 1\n\nstatus_history:\n{ADDED}"),
        (f"{M}\na: 1\n", f"{M}\nstatus: ACTIVE_RUNTIME\n\na: 1\n\nstatus_history:\n{ADDED}"),
        (
            "metadata: {version: 1} # m\n# c\na: [1]",
            f"metadata: {{version: 1}} # m\nstatus: ACTIVE_RUNTIME\n# c\na: [1]\n\nstatus_history:\n{ADDED}",
        ),
        # the history: behind the last entry and the comment on its line, before what follows
        (
            f"{M}status: A\nstatus_history:\n  - date: a # one\n\n  # tail\n# b\nx: 1\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n  - date: a # one\n{ADDED}\n  # tail\n# b\nx: 1\n",
        ),
        (
            f"{M}status: A\nstatus_history:\n  - date: a\n    reason: |\n      b\n\n\nx: 1\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n  - date: a\n    reason: |\n      b\n{ADDED}\n\nx: 1\n",
        ),
        (
            f"{M}status: A\nstatus_history:\n  - date: a\n    reason: |+\n      b\n\n\nx: 1\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n  - date: a\n    reason: |+\n      b\n\n\n{ADDED}x: 1\n",
        ),
        (
            f"{M}status: A\nstatus_history:\n- date: a\nx: 1\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n- date: a\n" + ADDED.replace("\n  ", "\n")[2:] + "x: 1\n",
        ),
        (
            f"{M}status: A\nstatus_history:\n  - date: a",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n  - date: a\n{ADDED}"[:-1],
        ),
        # a list that runs backward takes it at its front
        (
            f'{M}status: A\nstatus_history:\n  # newest first\n  - {{date: "2026-02"}}\n{OLD}',
            f'{M}status: ACTIVE_RUNTIME\nstatus_history:\n  # newest first\n{ADDED}  - {{date: "2026-02"}}\n{OLD}',
        ),
        # lists that are empty, missing, or written in brackets
        (f"{M}status: A\nstatus_history: []\n", f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n{ADDED}"),
        (
            f"{M}status: A\nstatus_history: [] # none\nx: 1\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history: # none\n{ADDED}x: 1\n",
        ),
        (f"{M}status: A\nstatus_history:\nx: 1\n", f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n{ADDED}x: 1\n"),
        (f"{M}status: A\nstatus_history: ~\n", f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n{ADDED}"),
        (
            f"{M}status: A\nstatus_history: # x\n  []\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history: # x\n  \n{ADDED}",
        ),
        (f"{M}status: A\n# end\n...\n", f"{M}status: ACTIVE_RUNTIME\n# end\n\nstatus_history:\n{ADDED}...\n"),
        (
            f"{M}status: A\nstatus_history: [{{date: a}}, {{date: b}},] # c\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history: [{{date: a}}, {{date: b}}, {flow(ENTRY)},] # c\n",
        ),
        (
            f"{M}status: A\nstatus_history: [\n  {{date: b}},\n  {{date: a}}\n]\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history: [\n  {flow(ENTRY)},\n  {{date: b}},\n  {{date: a}}\n]\n",
        ),
        (
            f"{M}status: A\nstatus_history: [ # c\n  ]\n",
            f"{M}status: ACTIVE_RUNTIME\nstatus_history: [{flow(ENTRY)} # c\n  ]\n",
        ),
        (
            "{metadata: {}, status: A, status_history: [{date: a}]}",
            f"{{metadata: {{}}, status: ACTIVE_RUNTIME, status_history: [{{date: a}}, {flow(ENTRY)}]}}",
        ),
        (
            "{metadata: {}, status: A, status_history: []}",
            f"{{metadata: {{}}, status: ACTIVE_RUNTIME, status_history: [{flow(ENTRY)}]}}",
        ),
        # lines ended as the file ends them
        (
            f"{M}status: A\nstatus_history:\n{OLD}x: 1\n".replace("\n", "\r\n"),
            f"{M}status: ACTIVE_RUNTIME\nstatus_history:\n{OLD}{ADDED}x: 1\n".replace("\n", "\r\n"),
        ),
    ],
)
def test_the_change_stands_where_it_belongs(before: str, after: str) -> None:
    assert change(before) == after


def test_without_a_status_the_declared_one_is_left_alone() -> None:
    assert change(f"{M}status: A # a\n", None) == f"{M}status: A # a\n\nstatus_history:\n{ADDED}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- 1\n", "no contract"),
        ("metadata: {}\nmetadata: {}\n", "duplicate key"),
        (f"{M}status: [A]\n", "'status' is no word"),
        (f"{M}status_history: {{a: 1}}\n", "no list of its own"),
        (f"{M}x: &h [{{date: a}}]\nstatus_history: *h\n", "no list of its own"),
        (f"{M}status_history: &h\n  - date: a\n", "begins on the line of something else"),
        ("{metadata: {}}", "one flow mapping"),
        # whoever names the anchor would change as well
        (f"{M}status: &s A\nx: *s\nstatus_history:\n{OLD}", "without changing more"),
        (f"{M}status: A\nstatus_history: &h [{{date: a}}]\nx: *h\n", "without changing more"),
        # the newline that this file lacks belongs to the text once something follows
        (f"{M}status: A\nx: |\n  a", "without changing more"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        change(text)


def test_an_edit_gone_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "block", lambda *_: "  - {date: other}\n")
    with pytest.raises(UsageProblem, match="the file would say something else"):
        change(f"{M}status: A\nstatus_history:\n{OLD}")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
PROSE = st.lists(
    st.sampled_from(
        ["a", "", "é", "𝄞", "x: y", "# no", "- no", "[1,", "yes", "1e6", "'", '"', "a" * 60, "%", "…", "|", ">-", "---"]
    ),
    min_size=1,
    max_size=60,
).map(" ".join)
ENTRIES = st.fixed_dictionaries(
    {"date": st.just("2027-01-01T00:00:00Z"), "to": st.sampled_from(["ACTIVE_RUNTIME", "no", "12e4"])},
    optional={
        "reason": TEXT | PROSE | st.lists(PROSE, max_size=3).map("\n".join),
        "version": TEXT
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.none()
        | st.just("1.0.0"),
        "evidence": st.lists(st.from_regex(r"[0-9a-f]{16}", fullmatch=True) | TEXT, max_size=30),
        "loosens": st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=3),
    },
)


@given(ENTRIES, st.sampled_from(["", "  ", "      "]))
def test_what_is_written_is_read_as_what_it_was(entry: dict[str, Any], margin: str) -> None:
    text = block(entry, margin)
    assert json.dumps(data(f"x:\n{text}")) == json.dumps({"x": [entry]})
    assert json.dumps(data(f"x: [{flow(entry)}, 1]\n")) == json.dumps({"x": [entry, 1]})
    texts = {key: value for key, value in entry.items() if isinstance(value, str)}
    if texts:  # numbers differ between the versions of YAML; texts must not
        assert yaml.safe_load(block(texts, margin)) == [texts]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_a_text_is_a_text_to_every_reader(text: str) -> None:
    assert yaml.safe_load(f"k: {scalar(text)}") == data(f"k: {scalar(text)}\n") == {"k": text}
    assert yaml.safe_load(f"[{scalar(text, flow=True)}]") == [text]


@given(st.lists(st.integers(1, 40), min_size=60, max_size=80))
def test_long_texts_are_folded_where_the_next_word_would_be_too_much(lengths: list[int]) -> None:
    reason = " ".join("x" * length for length in lengths)
    head, fold, *lines = block({"date": "d", "reason": f"{reason} {reason}"}, "  ").splitlines()
    assert (head, fold) == ("  - date: d", "    reason: >-")
    assert max(map(len, lines)) <= 110
    assert all(len(line) + 1 + len(after.split()[0]) > 110 for line, after in itertools.pairwise(lines))


@pytest.mark.parametrize("glue", ["  ", " \t", "\t ", "\n ", " \n", "\n\n", "\n"])
def test_blanks_and_lines_of_a_long_text_survive_wherever_it_is_folded(glue: str) -> None:
    for length in range(80, 120):
        text = f"{'y' * length}{glue}{'z' * 40} {'w' * 40}"
        assert data("x:\n" + block({"reason": text}, "  "))["x"] == [{"reason": text}]


def test_a_long_list_is_wrapped() -> None:
    _, *lines = block({"date": "d", "evidence": ["0123456789abcdef"] * 12}, "  ").splitlines()
    assert [line.count('"') for line in lines] == [8, 10, 6]
    assert max(map(len, lines)) <= 110
    assert lines[0].startswith('    evidence: ["0123456789abcdef", ')
    assert lines[1].startswith('      "0123456789abcdef", ')


COMMENTS = st.lists(st.sampled_from(["", "# c: [", "  # - d", "#"]), max_size=3)
OLD_ENTRY = st.sampled_from(
    [
        "- {date: '2026-01-01', to: A}  # c",
        '- date: "2026-01-01"\n  reason: plain\n    over lines # c',
        '- date: "2026-01-01"\n  # inside\n  reason: >-\n    folded # no comment\n\n    more',
        "- date: '2026-01-01'\n  note: |2\n      kept: as it is\n    - x",
        "-\n  # early\n  date: '2026-01-01'\n  from:\n",
        "- date: '2026-01-01'\n  x-deep: [a, # c\n    b]",
    ]
)
BLOCKS = st.lists(
    st.sampled_from(
        ["equations:\n  f: {formula: 'f(x) = é'}", "a: |+\n  kept\n\n", "b: [1,\n  2]", "# only a comment", "c:", ""]
    ),
    max_size=4,
    unique_by=lambda text: text[:1],
)


@given(
    head=COMMENTS,
    status=st.sampled_from(["A", "'A'", '"A"']),
    behind=st.sampled_from(["", "  # why", " "]),
    blocks=BLOCKS,
    margin=st.sampled_from(["", "  ", "    "]),
    entries=st.lists(st.tuples(COMMENTS, OLD_ENTRY), min_size=1, max_size=3),
    tail=COMMENTS,
    after=st.sampled_from(["", "z: 1\n", "z:\n- 1\n# end\n"]),
    entry=ENTRIES,
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_everything_but_the_change_stays_byte_for_byte(
    head: list[str],
    status: str,
    behind: str,
    blocks: list[str],
    margin: str,
    entries: list[tuple[list[str], str]],
    tail: list[str],
    after: str,
    entry: dict[str, Any],
    newline: str,
) -> None:
    first = "".join(f"{line}\n" for line in head) + "metadata:\n  version: 1.0.0\n# st\nstatus: "
    second = f"{behind}\n" + "".join(f"{one}\n" for one in blocks) + "status_history:\n"
    for comments, one in entries:
        second += "".join(f"{line}\n" for line in comments)
        second += "".join(f"{margin}{line}\n" if line else "\n" for line in one.rstrip("\n").split("\n"))
    third = "".join(f"{line}\n" for line in ["", *tail]) + after
    first, second, third = (text.replace("\n", newline) for text in (first, second, third))
    old = first + status + second + third
    new = edited(Source("x.yaml", old), "ACTIVE_RUNTIME", entry)
    start = first + status.replace("A", "ACTIVE_RUNTIME") + second
    assert new.startswith(start)
    assert new.endswith(third)
    added = new[len(start) : len(new) - len(third)]
    assert json.dumps(data(added)) == json.dumps([entry])
    assert newline == "\r\n" or "\r" not in added
    assert newline == "\n" or added.count("\n") == added.count("\r\n")
    before, now = data(old), data(new)
    assert now == {**before, "status": "ACTIVE_RUNTIME", "status_history": [*before["status_history"], entry]}


def file_of(path: Path, raw: bytes, mode: int = 0o640) -> Source:
    path.write_bytes(raw)
    path.chmod(mode)
    source = read_source(path, path.name)
    assert isinstance(source, Source)
    return source


def test_a_file_keeps_its_mark_its_mode_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    source = file_of(real, b"\xef\xbb\xbf" + "é: 1\r\n".encode())
    link.symlink_to(real.name)
    write(link, source, source.text + "b: 2\r\n")
    assert real.read_bytes() == b"\xef\xbb\xbf" + "é: 1\r\nb: 2\r\n".encode()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    source = file_of(path, b"a: 1\n")
    path.write_bytes(b"a: 2\n")
    with pytest.raises(UsageProblem, match="changed meanwhile"):
        write(path, source, "a: 3\n")
    assert path.read_bytes() == b"a: 2\n"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.yaml"
    source = file_of(path, b"a: 1\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageProblem, match="No space left on device"):
        write(path, source, "a: 3\n")
    assert path.read_bytes() == b"a: 1\n"
    assert [one.name for one in tmp_path.iterdir()] == ["x.yaml"]
