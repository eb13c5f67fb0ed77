"""The files that an agent left: computed, looked at, compared; and what real tools say to the computation."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.actions.trace import Entry
from apr.actions.tree import Leaf, snapshot
from apr.agent.tools import Toolbox
from apr.errors import UnusableInput
from apr.meter import files, overlay
from apr.meter.files import State, final_state, mutation_drifts
from apr.meter.overlay import Overlay
from tests import action_traces as make

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apr.actions.tree import Tree

CWD = PurePosixPath("/w/a")
Call = tuple[str, dict[str, Any], bool]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def session(*calls: Call, **effects: Any) -> list[Entry]:
    """A trace in which one call follows the other; effects are those of the last result."""
    records = [make.start(), make.prompt()]
    for turn, (name, given_, ok) in enumerate(calls, 1):
        more = effects if turn == len(calls) else {}
        records.append(make.answer(turn, make.call(name, given_, f"c{turn}")))
        records.append(make.result(turn + 1, f"c{turn}", ok=ok, **more))
    return entries([*records, make.answer(len(calls) + 1), make.end(len(calls) + 1)])


def entries(records: Sequence[make.Record]) -> list[Entry]:
    return [Entry(line, record) for line, record in enumerate(records, 1)]


def write(path: str, content: str, *, ok: bool = True) -> Call:
    return "Write", {"file_path": path, "content": content}, ok


def edit(path: str, old: str, new: str, *, ok: bool = True, **more: Any) -> Call:
    return "Edit", {"file_path": path, "old_string": old, "new_string": new} | more, ok


@pytest.fixture
def before(tmp_path: Path) -> Tree:
    root = tmp_path / "before"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"one two two\n")
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "sub" / "notes.md").write_bytes(b"# Notes\n")
    (root / "odd").write_bytes(b"\xff one \xfe")
    (root / "link").symlink_to("a.txt")
    (root / "door").symlink_to("sub")
    (root / "x.lock").write_bytes(b"locked\n")
    return snapshot(root)


def left(before: Tree, *calls: Call, **effects: Any) -> State:
    return final_state(session(*calls, **effects), CWD, before, None)


def changed(before: Tree, state: State) -> dict[str, Leaf | None]:
    assert state.files is not None, state.reason
    both = {*before, *state.files}
    return {path: state.files.get(path) for path in both if before.get(path) != state.files.get(path)}


def test_what_calls_make_of_the_files(before: Tree) -> None:
    assert left(before).files == before
    assert changed(before, left(before, write("sub/new", "é\n"))) == {"sub/new": Leaf(sha("é\n".encode()))}
    assert changed(before, left(before, edit("/w/a/a.txt", "one", "1"))) == {"a.txt": Leaf(sha(b"1 two two\n"))}
    twice = left(before, edit("a.txt", "two", "2", replace_all=True), edit("./a.txt", "2 2", "2"))
    assert changed(before, twice) == {"a.txt": Leaf(sha(b"one 2\n"))}
    assert changed(before, left(before, edit("run.sh", "sh", "bash"))) == {"run.sh": Leaf(sha(b"#!/bin/bash\n"), True)}
    assert changed(before, left(before, write("a.txt", "x"), write("a.txt", "one two two\n"))) == {}
    assert changed(before, left(before, edit("odd", "one", "1"))) == {"odd": Leaf(sha(b"\xff 1 \xfe"))}
    assert changed(before, left(before, edit("new", "", "made"))) == {"new": Leaf(sha(b"made"))}
    assert changed(before, left(before, write("n", "a"), edit("n", "a", "b"))) == {"n": Leaf(sha(b"b"))}


def test_what_changes_nothing(before: Tree) -> None:
    for calls in (
        [write("a.txt", "x", ok=False)],
        [edit("a.txt", "one", "1", ok=False)],
        [("Read", {"file_path": "a.txt"}, True), ("Grep", {"pattern": "x"}, False), ("Glob", {"pattern": "*"}, True)],
        [write("/elsewhere/x", "x")],
        [write("x.lock", "x"), write("target/o", "x"), write("sub/.git/HEAD", "x"), edit("x.lock", "x", "y")],
        [("Bash", {"command": "rm -rf ."}, False)],
    ):
        assert left(before, *calls).files == before


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([("Bash", {"command": "ls"}, True)], "Bash at line 3 may have changed files"),
        ([write("n", "x"), ("Task", {"prompt": "x"}, True)], "Task at line 5 may have changed files"),
        ([("Agent", {"prompt": "x"}, False)], "Agent at line 3 may have changed files"),
        ([("NotebookEdit", {"notebook_path": "x"}, True)], "NotebookEdit at line 3 may have changed files"),
        ([("mcp__x", {}, False), ("Bash", {}, True)], "mcp__x at line 3 may have changed files"),
        ([edit("a.txt", "three", "3")], "what was written to a.txt cannot be computed"),
        ([edit("a.txt", "two", "2")], "what was written to a.txt cannot be computed"),
        ([edit("a.txt", "", "2")], "what was written to a.txt cannot be computed"),
        ([edit("a.txt", "one", "1", replace_all="yes")], "what was written to a.txt cannot be computed"),
        ([edit("none", "one", "1")], "what was written to none cannot be computed"),
        ([edit("none", "x", "y"), edit("none", "", "z")], "what was written to none cannot be computed"),
        ([edit("link", "one", "1")], "what was written to link cannot be computed"),
        ([write("link", "one")], "what was written to link cannot be computed"),
        ([write("door/notes.md", "x")], "what was written to door/notes.md cannot be computed"),
        ([("Write", {"file_path": "a.txt"}, True)], "what was written to a.txt cannot be computed"),
    ],
)
def test_when_nobody_can_know(before: Tree, calls: list[Call], reason: str) -> None:
    state = left(before, *calls)
    assert (state.files, state.reason) == (None, reason)


def test_bash_that_failed_counts_if_it_ran(before: Tree) -> None:
    calls = [("Bash", {"command": "touch x; false"}, False)]
    assert left(before, *calls, exit_code=1).files is None
    assert left(before, *calls, files_written=[]).files == before


@pytest.mark.parametrize("call", [write("n", "x"), edit("a.txt", "one", "1"), ("Bash", {"command": "ls"}, True)])
def test_a_call_without_a_result_may_have_been_made(before: Tree, call: Call) -> None:
    records = [make.start(), make.prompt(), make.answer(1, make.call(call[0], call[1])), make.end(1, "error")]
    state = final_state(entries(records), CWD, before, None)
    assert state.files is None
    assert f"{call[0]} at line 3 has no result" in state.reason
    records[2] = make.answer(1, make.call("Read", {"file_path": "a.txt"}))
    assert final_state(entries(records), CWD, before, None).files == before


def test_without_a_directory_an_absolute_path_may_lie_in_the_tree(before: Tree) -> None:
    assert final_state(session(write("/w/a/a.txt", "x")), None, before, None).files is None
    assert final_state(session(write("a.txt", "x")), None, before, None).files is not None


def test_what_was_really_left_is_believed_rather(before: Tree, tmp_path: Path) -> None:
    (tmp_path / "after").mkdir()
    (tmp_path / "after" / "b").write_bytes(b"b")
    after = snapshot(tmp_path / "after")
    assert final_state(session(("Bash", {}, True)), CWD, before, after).files == after
    assert final_state(session(), CWD, None, after).files == after
    assert final_state(session(), CWD, None, None) == State(None, "the tree before is not known")


def test_a_tree_that_is_another_by_now_is_refused(before: Tree) -> None:
    (before.root / "a.txt").write_bytes(b"one, but later\n")
    with pytest.raises(UnusableInput, match="changed while"):
        left(before, edit("a.txt", "one", "1"))


def tree(root: Path, **contents: bytes) -> Tree:
    root.mkdir()
    for name, content in contents.items():
        (root / name.replace("_", ".")).write_bytes(content)
    return snapshot(root)


def test_where_two_sides_differ(before: Tree, tmp_path: Path) -> None:
    one, other = tree(tmp_path / "1", b=b"x", a=b"x", same=b"s"), tree(tmp_path / "2", b=b"y", c=b"z", same=b"s")
    seen, other_seen = State(one, tree=one), State(other, tree=other)
    assert mutation_drifts(seen, other_seen) == ["a", "b", "c"]
    assert mutation_drifts(other_seen, seen) == ["a", "b", "c"]
    assert mutation_drifts(seen, seen) == []
    assert mutation_drifts(seen, other_seen, ("b", "/c")) == ["a"]
    assert mutation_drifts(seen, State(None, "unknown")) == mutation_drifts(State(None, "unknown"), seen) == []
    assert mutation_drifts(left(before, write("n", "1")), left(before, write("n", "2"))) == ["n"]
    assert mutation_drifts(left(before, write("n", "1")), left(before)) == ["n"]
    (tmp_path / "2" / "b").write_bytes(b"x")
    (tmp_path / "2" / "b").chmod(0o755)
    now = snapshot(tmp_path / "2")
    assert mutation_drifts(seen, State(now, tree=now)) == ["a", "b", "c"]


PROSE = [
    (b"# A\n", b"# A", True),
    (b"# A\n", b"# A  \n\n\n", True),
    (b"a\t\nb\n", b"a\nb\n", True),
    (b"a\r\nb\r\n", b"a\nb\n", True),
    (b"", b"\n", True),
    (b"a\n\nb\n", b"a\nb\n", False),
    (b" a\n", b"a\n", False),
    (b"a  b\n", b"a b\n", False),
    (b"\na\n", b"a\n", False),
    (b"A\n", b"a\n", False),
    (b"a\rb", b"a\nb", False),
]


@pytest.mark.parametrize(("one", "other", "same"), PROSE)
def test_prose(before: Tree, tmp_path: Path, one: bytes, other: bytes, same: bool) -> None:
    first, second = (tree(tmp_path / str(number), n_md=text, n_rs=text) for number, text in enumerate((one, other)))
    assert mutation_drifts(State(first, tree=first), State(second, tree=second)) == (
        ["n.rs"] if same else ["n.md", "n.rs"]
    )
    texts = [text.decode() for text in (one, other)]
    made, other_made = (left(before, write("sub/notes.md", text), write("toml", text)) for text in texts)
    assert mutation_drifts(made, other_made) == (["toml"] if same else ["sub/notes.md", "toml"])


def test_prose_that_became_executable_or_a_link_differs(before: Tree, tmp_path: Path) -> None:
    first = tree(tmp_path / "1", n_md=b"a")
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "n.md").symlink_to("a")
    second = snapshot(tmp_path / "2")
    assert mutation_drifts(State(first, tree=first), State(second, tree=second)) == ["n.md"]
    (tmp_path / "1" / "n.md").chmod(0o700)
    third = snapshot(tmp_path / "1")
    (tmp_path / "1" / "n.md").write_bytes(b"a\n")
    (tmp_path / "1" / "n.md").chmod(0o600)
    fourth = snapshot(tmp_path / "1")
    contents: dict[str, bytes | None] = {"n.md": b"a"}
    assert mutation_drifts(State(third, tree=third, written=contents), State(fourth, tree=fourth)) == ["n.md"]
    assert mutation_drifts(left(before, write("sub/notes.md", "# Notes")), left(before)) == []


TEXTS = st.text(alphabet="ab\n", max_size=6)
PATHS = st.sampled_from(["x", "y", "d/z", "./x", "d//z", "new", "d", "link"])
CALLS = st.lists(
    st.tuples(st.just("Write"), st.fixed_dictionaries({"file_path": PATHS, "content": TEXTS}))
    | st.tuples(
        st.just("Edit"),
        st.fixed_dictionaries(
            {"file_path": PATHS, "old_string": TEXTS, "new_string": TEXTS}, optional={"replace_all": st.booleans()}
        ),
    ),
    max_size=8,
)


def disagreement(calls: list[tuple[str, dict[str, Any]]]) -> str:
    """Where the files that real tools leave are not those that are computed from what the tools said; nothing if they are."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for root in (Path(first), Path(second)):
            (root / "d").mkdir()
            for name, content in (("x", "ab\nab\n"), ("y", "a"), ("d/z", "bba")):
                (root / name).write_text(content)
        before = snapshot(Path(first))
        box = Toolbox(Path(second), ["Write", "Edit"], allow_bash=False)
        done = [(name, given_, box.call(name, given_).ok) for name, given_ in calls]
        computed = final_state(session(*done), PurePosixPath(second), before, None)
        if computed.files is None:
            return computed.reason
        real = snapshot(Path(second))
        if computed.files != real:
            return str(changed(real, computed))
        return " ".join(mutation_drifts(computed, State(real, tree=real)))


@settings(max_examples=80, deadline=None)
@given(CALLS)
def test_real_tools_leave_what_is_computed(calls: list[tuple[str, dict[str, Any]]]) -> None:
    assert disagreement(calls) == ""


KNOWN: list[tuple[str, dict[str, Any]]] = [
    ("Edit", {"file_path": "x", "old_string": "ab", "new_string": "c", "replace_all": True}),
    ("Edit", {"file_path": "y", "old_string": "q", "new_string": "c"}),
    ("Edit", {"file_path": "d//z", "old_string": "a", "new_string": "c"}),
    ("Write", {"file_path": "new", "content": "é\n"}),
    ("Edit", {"file_path": "new", "old_string": "\n", "new_string": ""}),
]


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (overlay, "_edited", lambda content, *_: content),
        (overlay, "_edited", lambda content, _known, old, new, *_: content.replace(old.encode(), new.encode(), 1)),
        (Overlay, "write", lambda *_: None),
        (Overlay, "content", lambda self, path: self.before.content(path)),
        (files, "follow", lambda *_: []),
        (files, "follow", lambda entries, place, results: [entries, place.files.written.update(y=b"c"), results]),
    ],
    ids=["edits nothing", "edits the first", "writes nothing", "forgets", "no call at all", "failed calls too"],
)
def test_faults_are_found_out_by_real_tools(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, fault: Callable[..., Any]
) -> None:
    assert disagreement(KNOWN) == ""
    monkeypatch.setattr(module, name, fault)
    assert disagreement(KNOWN) != ""


def test_edit_gives_the_state_afterwards(before: Tree) -> None:
    layer = Overlay(before)
    assert layer.edit("a.txt", "one", "1", replace_all=False) == sha(b"1 two two\n")
    assert layer.edit("a.txt", "two", "2", replace_all=False) is None
    assert layer.content("a.txt") is None
    layer.write("a.txt", "q")
    assert layer.edit("a.txt", "q", "", replace_all=False) == sha(b"")
    assert layer.edit("a.txt", "", "again", replace_all=False) == sha(b"again")
    assert layer.content("sub/notes.md") == b"# Notes\n"
    assert layer.edit("x.lock", "locked", "open", replace_all=False) == sha(b"open\n")
    assert (before.root / "a.txt").read_bytes() == b"one two two\n"


@pytest.mark.parametrize("path", ["", ".", "..", "../x", "/x", "link", "door/new"])
def test_what_lies_elsewhere_is_not_known(before: Tree, path: str) -> None:
    layer = Overlay(before)
    layer.write(path, "x")
    assert layer.written == {path: None}
    assert layer.edit(path, "", "y", replace_all=False) is None
    assert layer.content(path) is None


def test_prose_on_one_side_alone_differs(before: Tree) -> None:
    with_it, without = left(before, write("n.md", "")), left(before)
    assert mutation_drifts(with_it, without) == mutation_drifts(without, with_it) == ["n.md"]


def test_the_first_doubt_is_told(before: Tree) -> None:
    calls = [
        make.call("Bash", {"command": "ls"}, "done"),
        make.call("Write", {"file_path": "n", "content": ""}, "open"),
    ]
    records = [make.start(), make.prompt(), make.answer(1, *calls), make.result(2, "done"), make.end(1, "error")]
    assert final_state(entries(records), CWD, before, None).reason == "Bash at line 3 may have changed files"


def test_edits_that_double_what_there_is_are_not_followed_for_ever(before: Tree) -> None:
    made = Overlay(before)
    made.write("a.txt", "x")
    states = [made.edit("a.txt", "x", "xx", replace_all=True) for _ in range(64)]
    assert states[:24] == [sha(b"x" * 2**n) for n in range(1, 25)]
    assert states[24:] == [None] * 40
    assert made.content("a.txt") is None
    made.write("a.txt", "x")  # from here on it is known again
    assert made.edit("a.txt", "x", "y", replace_all=False) == sha(b"y")


def test_nor_are_many_files_that_each_stay_below_that(before: Tree) -> None:
    made, most = Overlay(before), 20
    for number in range(most):
        made.write(f"{number}.txt", "x" * (1 << 20))
    states = [made.edit(f"{number}.txt", "x", "x" * 16, replace_all=True) for number in range(most)]
    held = sum(len(content or b"") for content in made.written.values())
    assert states[0] is not None
    assert None in states
    assert held <= 256 << 20
