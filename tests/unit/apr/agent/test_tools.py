"""The tools that need no shell: what they do, what they say, and what they refuse."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.agent.tools import NAMES, Outcome, Toolbox
from apr.agent.tools import grep as grep_module
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "src" / "inner").mkdir(parents=True)
    (work / "a.txt").write_text("one\ntwo\nthree\n")
    (work / "src" / "main.py").write_text("import os\n\n\ndef main():\n    return os.sep\n")
    (work / "src" / "inner" / "deep.py").write_text("x = 1\n")
    (work / "src" / "notes.md").write_text("Main things\n")
    (work / ".hidden").write_text("one\n")
    (work / ".git").mkdir()
    (work / ".git" / "config").write_text("one\n")
    (work / "binary").write_bytes(b"one\0two\n")
    (tmp_path / "outside.py").write_text("secret one\n")
    (work / "out.py").symlink_to(tmp_path / "outside.py")
    (work / "up").symlink_to("..")
    return work


@pytest.fixture
def box(root: Path) -> Iterator[Toolbox]:
    toolbox = Toolbox(root, NAMES, allow_bash=False)
    yield toolbox
    toolbox.close()


# Read


def test_read_numbers_lines_as_cat_does(box: Toolbox) -> None:
    expected = Outcome(True, "     1\tone\n     2\ttwo\n     3\tthree", ("a.txt",))
    assert box.call("Read", {"file_path": "a.txt"}) == expected
    assert box.call("Read", {"file_path": str(box.room.root / "a.txt"), "offset": 0}) == expected
    assert box.call("Read", {"file_path": "./src/../a.txt", "offset": 1, "limit": 3}) == expected


@pytest.mark.parametrize(
    ("content", "arguments", "shown"),
    [
        ("one\ntwo\nthree\n", {"offset": 2}, "     2\ttwo\n     3\tthree"),
        ("one\ntwo\nthree", {"offset": 3}, "     3\tthree"),
        ("one\ntwo\nthree", {"limit": 1}, "     1\tone\n[2 more lines; go on with offset 2]"),
        ("one\ntwo\nthree", {"offset": 2, "limit": 1}, "     2\ttwo\n[1 more lines; go on with offset 3]"),
        ("one\r\ntwo\rthree\u2028four\r\n", {}, "     1\tone\n     2\ttwo\rthree\u2028four"),
        ("\n\n", {}, "     1\t\n     2\t"),
        ("", {}, "(the file is empty)"),
        ("x" * 2001, {}, f"     1\t{'x' * 2000} [1 characters left out]"),
        ("x" * 2000, {}, f"     1\t{'x' * 2000}"),
    ],
)
def test_read_shows_the_lines_that_were_asked_for(
    content: str, arguments: dict[str, Any], shown: str, box: Toolbox, root: Path
) -> None:
    (root / "file").write_bytes(content.encode())
    assert box.call("Read", {"file_path": "file", **arguments}) == Outcome(True, shown, ("file",))


def test_read_shows_two_thousand_lines_and_keeps_within_the_window(box: Toolbox, root: Path) -> None:
    (root / "long").write_text("x\n" * 2001)
    said = box.call("Read", {"file_path": "long"}).content
    assert said.endswith("  2000\tx\n[1 more lines; go on with offset 2001]")
    (root / "wide").write_text("\n".join("x" * 1000 for _ in range(100)))
    said = box.call("Read", {"file_path": "wide"}).content
    assert len(said) < 31_000
    assert "characters left out]" in said
    assert said.startswith("     1\txxx")
    assert said.endswith("xxx")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"file_path": "missing"}, "'missing' cannot be read: No such file or directory."),
        ({"file_path": "no/such"}, "'no/such' does not exist: there is no folder 'no'."),
        ({"file_path": "src"}, "'src' is a folder, no file."),
        ({"file_path": "binary"}, "'binary' is a binary file."),
        ({"file_path": "latin"}, "'latin' is no UTF-8 text: byte 1."),
        ({"file_path": "a.txt", "offset": 4}, "'a.txt' has 3 lines; there is no line 4."),
        (
            {"file_path": "../outside.py"},
            "'../outside.py' is outside the working folder; only paths in it can be used.",
        ),
        ({"file_path": "out.py"}, "'out.py' is outside the working folder; only paths in it can be used."),
        ({"file_path": "huge"}, "'huge' is larger than 16,777,216 bytes."),
    ],
)
def test_read_refuses(arguments: dict[str, Any], why: str, box: Toolbox, root: Path) -> None:
    (root / "latin").write_bytes(b"a\xe9")
    with (root / "huge").open("wb") as file:
        file.truncate(2**24 + 1)
    assert box.call("Read", arguments) == Outcome(False, why)


# Write


def test_write_makes_folders_and_replaces_whole_files(box: Toolbox, root: Path) -> None:
    assert box.call("Write", {"file_path": "new/er/f", "content": "zwei\r\n"}) == Outcome(
        True, "Created new/er/f: 6 bytes.", (), ("new/er/f",)
    )
    assert (root / "new" / "er" / "f").read_bytes() == b"zwei\r\n"
    assert box.call("Write", {"file_path": "new/er/f", "content": ""}).content == "Replaced new/er/f: 0 bytes."
    assert (root / "new" / "er" / "f").read_bytes() == b""


@pytest.mark.parametrize("path", ["src", ".", "../x", "out.py", "up/x", "a.txt/x", "/x", ""])
def test_write_refuses_and_touches_nothing(path: str, box: Toolbox, root: Path) -> None:
    before = sorted((str(one), one.lstat().st_mtime_ns) for one in root.parent.rglob("*"))
    outcome = box.call("Write", {"file_path": path, "content": "x"})
    assert (outcome.ok, outcome.files_written) == (False, ())
    assert sorted((str(one), one.lstat().st_mtime_ns) for one in root.parent.rglob("*")) == before


def test_write_refuses_more_than_a_file_may_have(box: Toolbox, root: Path) -> None:
    outcome = box.call("Write", {"file_path": "f", "content": "ä" * (2**23 + 1)})
    assert (outcome.ok, outcome.content) == (
        False,
        "16,777,218 bytes are more than the 16,777,216 that a file may have.",
    )
    assert not (root / "f").exists()


# Edit


@pytest.mark.parametrize(
    ("content", "old", "new", "everywhere", "result"),
    [
        ("one two", "two", "2", False, "one 2"),
        ("a\r\nb\r\n", "a\r\nb", "c", False, "c\r\n"),
        ("x x x", "x", "y", True, "y y y"),
        ("aaa", "aa", "b", True, "ba"),
        ("one", "one", "", False, ""),
        ("a.c abc", "a.c", r"\1", False, r"\1 abc"),
        ("é", "é", "e", False, "e"),
    ],
)
def test_edit_replaces_and_keeps_every_other_byte(
    content: str, old: str, new: str, everywhere: bool, result: str, box: Toolbox, root: Path
) -> None:
    (root / "f").write_bytes(content.encode())
    asked = {"file_path": "f", "old_string": old, "new_string": new} | ({"replace_all": True} if everywhere else {})
    outcome = box.call("Edit", asked)
    assert (outcome.ok, outcome.files_read, outcome.files_written) == (True, ("f",), ("f",))
    assert (root / "f").read_bytes() == result.encode()


@pytest.mark.parametrize(
    ("content", "old", "new", "why"),
    [
        ("one", "two", "2", "old_string is not in 'f'."),
        ("one one", "one", "2", "old_string is more than once in 'f'; give more"),
        ("aaa", "aa", "b", "old_string is more than once in 'f'; give more"),
        ("one", "", "2", "old_string is empty; write a new file with Write."),
        ("one", "one", "one", "old_string and new_string are the same"),
        ("a\r\nb\r\n", "a\nb", "c", "old_string is not in 'f' (its lines end in \\r\\n)."),
        ("É", "e\u0301", "c", "old_string is not in 'f'."),
        ("a\0", "a", "c", "'f' is a binary file."),
    ],
)
def test_edit_refuses_and_changes_nothing(content: str, old: str, new: str, why: str, box: Toolbox, root: Path) -> None:
    (root / "f").write_bytes(content.encode())
    outcome = box.call("Edit", {"file_path": "f", "old_string": old, "new_string": new})
    assert not outcome.ok
    assert outcome.content.startswith(why)
    assert (root / "f").read_bytes() == content.encode()


def test_edit_counts_its_places_and_refuses_to_blow_a_file_up(box: Toolbox, root: Path) -> None:
    (root / "f").write_text("a" * 1000)
    asked = {"file_path": "f", "old_string": "a", "new_string": "b" * 100_000, "replace_all": True}
    outcome = box.call("Edit", asked)
    assert (outcome.ok, outcome.content) == (
        False,
        "the file would have 100,000,000 bytes, more than the 16,777,216 that it may have.",
    )
    assert box.call("Edit", asked | {"new_string": "b"}).content == "Edited f: 1,000 places."


def test_edit_needs_the_file(box: Toolbox, root: Path) -> None:
    assert not box.call("Edit", {"file_path": "new", "old_string": "a", "new_string": "b"}).ok
    assert not (root / "new").exists()


# Glob


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"pattern": "*"}, [".hidden", "a.txt", "binary"]),
        ({"pattern": "**"}, [".hidden", "a.txt", "binary", "src/inner/deep.py", "src/main.py", "src/notes.md"]),
        ({"pattern": "**/*.py"}, ["src/inner/deep.py", "src/main.py"]),
        ({"pattern": "./src/*.{py,md}"}, ["src/main.py", "src/notes.md"]),
        ({"pattern": "*.py", "path": "src"}, ["src/main.py"]),
        ({"pattern": "**/deep.*", "path": "./src/"}, ["src/inner/deep.py"]),
        ({"pattern": "src/**/deep.py"}, ["src/inner/deep.py"]),
        ({"pattern": "src/**"}, ["src/inner/deep.py", "src/main.py", "src/notes.md"]),
    ],
)
def test_glob_names_files_and_neither_links_nor_git(arguments: dict[str, Any], names: list[str], box: Toolbox) -> None:
    assert box.call("Glob", arguments) == Outcome(True, "\n".join(names))


def test_glob_says_so_when_there_is_nothing_or_too_much(box: Toolbox, root: Path) -> None:
    assert box.call("Glob", {"pattern": "*.rs"}) == Outcome(True, "No files found.")
    (root / "many").mkdir()
    for number in range(102):
        (root / "many" / f"{number:03}").write_bytes(b"")
    lines = box.call("Glob", {"pattern": "many/*"}).content.split("\n")
    assert (lines[0], lines[99:]) == ("many/000", ["many/099", "[2 more files match]"])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"pattern": "../*"}, "the pattern '../*' must not hold '..'"),
        ({"pattern": "/etc/*"}, "the pattern '/etc/*' must be relative"),
        ({"pattern": ""}, "the pattern '' must be relative, and name something"),
        ({"pattern": "*" * 1001}, "a pattern of 1,001 characters is too long"),
        ({"pattern": "{a,b}" * 9}, "the braces of the pattern stand for more than 256 patterns"),
        ({"pattern": "*", "path": "up"}, "'up' is outside the working folder"),
        ({"pattern": "*", "path": ".."}, "'..' is outside the working folder"),
        ({"pattern": "*", "path": "a.txt"}, "'a.txt' is no folder."),
        ({"pattern": "*", "path": "none"}, "'none' does not exist."),
    ],
)
def test_glob_refuses(arguments: dict[str, Any], why: str, box: Toolbox) -> None:
    outcome = box.call("Glob", arguments)
    assert not outcome.ok
    assert outcome.content.startswith(why)


def test_glob_stops_at_a_bound_and_says_so(box: Toolbox, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apr.agent.tools.walking.TREE_ENTRIES", 3)
    assert box.call("Glob", {"pattern": "**"}).content.endswith("[only the first 3 entries were looked at]")
    monkeypatch.undo()
    folder = root
    for _ in range(130):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"")
    said = box.call("Glob", {"pattern": "**/x"}).content
    assert said.startswith("No files found.\n[d/d/")
    assert said.endswith("is too deep to be looked at]")


def test_glob_says_what_it_may_not_read(box: Toolbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_folder: int, name: str) -> int:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr("apr.agent.tools.walking.open_folder", forbidden)
    assert box.call("Glob", {"pattern": "*.rs"}).content == (
        "No files found.\n[src cannot be looked at: Permission denied]"
    )


# Grep


@pytest.mark.parametrize(
    ("arguments", "content", "files"),
    [
        ({"pattern": "one"}, [".hidden", "a.txt"], [".hidden", "a.txt"]),
        ({"pattern": "main", "-i": True}, ["src/main.py", "src/notes.md"], ["src/main.py", "src/notes.md"]),
        ({"pattern": "main"}, ["src/main.py"], ["src/main.py"]),
        ({"pattern": "^t", "path": "a.txt", "output_mode": "content"}, ["a.txt:2:two", "a.txt:3:three"], ["a.txt"]),
        (
            {"pattern": "^t", "path": "a.txt", "output_mode": "content", "-n": False},
            ["a.txt:two", "a.txt:three"],
            ["a.txt"],
        ),
        ({"pattern": "e", "output_mode": "count", "path": "a.txt"}, ["a.txt:2"], ["a.txt"]),
        (
            {"pattern": "two", "output_mode": "content", "-C": 1, "path": "a.txt"},
            ["a.txt-1-one", "a.txt:2:two", "a.txt-3-three"],
            ["a.txt"],
        ),
        (
            {"pattern": "two", "output_mode": "content", "-A": 1, "path": "a.txt"},
            ["a.txt:2:two", "a.txt-3-three"],
            ["a.txt"],
        ),
        (
            {"pattern": "import|return", "output_mode": "content", "-B": 1},
            ["src/main.py:1:import os", "--", "src/main.py-4-def main():", "src/main.py:5:    return os.sep"],
            ["src/main.py"],
        ),
        ({"pattern": "x", "glob": "*.py"}, ["src/inner/deep.py"], ["src/inner/deep.py"]),
        ({"pattern": "x", "glob": "src/*.py"}, ["No matches found."], []),
        ({"pattern": "x", "glob": "inner/*.py", "path": "src"}, ["src/inner/deep.py"], ["src/inner/deep.py"]),
        ({"pattern": "secret"}, ["No matches found."], []),
        (
            {"pattern": ".", "path": "a.txt", "output_mode": "content", "head_limit": 1},
            ["a.txt:1:one", "[there is more; ask for it with head_limit, or a narrower pattern]"],
            ["a.txt"],
        ),
        (
            {"pattern": "two", "path": "a.txt", "output_mode": "content", "head_limit": 1, "-B": 1},
            ["a.txt-1-one", "[there is more; ask for it with head_limit, or a narrower pattern]"],
            ["a.txt"],
        ),
        ({"pattern": "x = 1$", "head_limit": 1}, ["src/inner/deep.py"], ["src/inner/deep.py"]),
        (
            {"pattern": ".", "path": "a.txt", "output_mode": "content", "head_limit": 3},
            ["a.txt:1:one", "a.txt:2:two", "a.txt:3:three"],
            ["a.txt"],
        ),
    ],
)
def test_grep_finds_lines(arguments: dict[str, Any], content: list[str], files: list[str], box: Toolbox) -> None:
    assert box.call("Grep", arguments) == Outcome(True, "\n".join(content), tuple(files))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"pattern": "("}, "'(' is no regular expression: missing ), unterminated subpattern at position 0."),
        ({"pattern": "a{99999999999}"}, "'a{99999999999}' is no regular expression"),
        ({"pattern": "x", "path": "up"}, "'up' is outside the working folder"),
        ({"pattern": "x", "path": "out.py"}, "'out.py' is outside the working folder"),
        ({"pattern": "x", "path": "none"}, "'none' does not exist."),
        ({"pattern": "x", "path": "binary"}, "'binary' is a binary file."),
        ({"pattern": "x", "glob": "../*"}, "the pattern '../*' must not hold '..'"),
        (
            {"pattern": "x", "output_mode": "all"},
            "output_mode of Grep must be one of files_with_matches, content, count.",
        ),
        ({"pattern": "x", "-C": -1}, "-C of Grep must be 0 or more."),
        ({"pattern": "x", "-C": 1001}, "-C of Grep must be 1000 or less."),
    ],
)
def test_grep_refuses(arguments: dict[str, Any], why: str, box: Toolbox) -> None:
    outcome = box.call("Grep", arguments)
    assert not outcome.ok
    assert outcome.content.startswith(why)


def test_grep_passes_over_what_is_no_file_and_says_what_it_left_out(box: Toolbox, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with (root / "huge").open("wb") as file:
        file.truncate(2**24 + 1)
    assert box.call("Grep", {"pattern": "two"}) == Outcome(
        True, "a.txt\n['huge' is larger than 16,777,216 bytes, passed over]", ("a.txt",)
    )


def test_grep_ends_a_pattern_that_takes_for_ever(box: Toolbox, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grep_module, "SEARCH_SECONDS", 1.0)
    (root / "trap").write_text("a" * 64 + "b\n")
    started = time.monotonic()
    outcome = box.call("Grep", {"pattern": "^(a+)+$"})
    assert time.monotonic() - started < 9
    assert (outcome.ok, outcome.content) == (
        False,
        "the search took longer than 1 seconds; try a simpler pattern, or fewer files.",
    )


def test_grep_ends_a_pattern_that_takes_all_memory(box: Toolbox, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grep_module, "SEARCH_SECONDS", 60.0)
    (root / "long").write_text("a" * 4_000_000 + "b\n")
    hungry = {"pattern": "((.)|x)*y", "path": "long"}
    monkeypatch.setattr(grep_module, "SEARCH_MEMORY", 200 * 2**20)
    outcome = box.call("Grep", hungry)
    assert (outcome.ok, outcome.content) == (
        False,
        "the search needed too much memory, or failed; try a simpler pattern, or fewer files.",
    )


def test_grep_shows_no_more_than_fits(box: Toolbox, root: Path) -> None:
    (root / "wide").write_text("".join(f"{'x' * 600}{n}\n" for n in range(200)))
    said = box.call("Grep", {"pattern": "x", "output_mode": "content", "path": "wide", "head_limit": 0}).content
    assert len(said) < 31_000
    assert said.startswith(f"wide:1:{'x' * 500} [101 characters left out]\n")
    assert said.endswith("[there is more; ask for it with head_limit, or a narrower pattern]")


# what a model may write


def test_a_file_name_that_is_no_utf_8_can_be_written_down(box: Toolbox, root: Path) -> None:
    (root / os.fsdecode(b"bad\xff.py")).write_text("odd\n")
    for outcome in (box.call("Glob", {"pattern": "bad*"}), box.call("Grep", {"pattern": "odd"})):
        assert outcome.content == "bad\\xff.py"
        assert outcome.content.encode()


@pytest.mark.parametrize(
    ("name", "given_arguments", "why"),
    [
        ("read", {}, "There is no tool 'read'. Did you mean Read? The tools are Read, Write, Edit, Glob, Grep."),
        ("", {}, "There is no tool ''. The tools are Read, Write, Edit, Glob, Grep."),
        ("Bash", {"command": "ls"}, "Bash is not allowed in this session."),
        ("Read", {}, "Read needs file_path. Read takes file_path, offset (optional), limit (optional)."),
        ("Read", [], "Read needs an object with its arguments."),
        ("Read", None, "Read needs an object with its arguments."),
        ("Read", {"file_path": 1}, "file_path of Read must be a text."),
        ("Read", {"file_path": None}, "file_path of Read must be a text."),
        ("Read", {"file_path": "a.txt", "offset": "1"}, "offset of Read must be a whole number."),
        ("Read", {"file_path": "a.txt", "offset": 1.0}, "offset of Read must be a whole number."),
        ("Read", {"file_path": "a.txt", "offset": True}, "offset of Read must be a whole number."),
        ("Read", {"file_path": "a.txt", "offset": -1}, "offset of Read must be 0 or more."),
        ("Read", {"file_path": "a.txt", "limit": 0}, "limit of Read must be 1 or more."),
        ("Read", {"path": "a.txt"}, "Read needs file_path."),
        ("Read", {"file_path": "a.txt", "lines": 1}, "Read has no argument 'lines'."),
        (
            "Edit",
            {"file_path": "a", "old_string": "b", "new_string": "c", "replace_all": 1},
            "replace_all of Edit must be",
        ),
        ("Write", {"file_path": "a", "content": "\udc80"}, "content of Write must be text without lone surrogates."),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_with_a_sentence(
    name: str, given_arguments: object, why: str, box: Toolbox
) -> None:
    outcome = box.call(name, given_arguments)
    assert not outcome.ok
    assert outcome.content.startswith(why)


def test_the_descriptions_are_what_a_chat_template_takes(root: Path) -> None:
    toolbox = Toolbox(root, ["Bash", "Read"], allow_bash=True)
    assert toolbox.names == ("Read", "Bash")
    read, bash = toolbox.schemas()
    assert (read["type"], read["function"]["name"], bash["function"]["name"]) == ("function", "Read", "Bash")
    assert read["function"]["parameters"]["required"] == ["file_path"]
    assert json.loads(json.dumps(bash)) == bash
    toolbox.close()
    without = Toolbox(root, ["Bash", "Read"], allow_bash=False)
    assert [one["function"]["name"] for one in without.schemas()] == ["Read"]
    without.close()


def test_an_unknown_tool_cannot_be_offered(root: Path) -> None:
    with pytest.raises(UsageError, match="unknown tool 'grep'; did you mean Grep"):
        Toolbox(root, ["grep"], allow_bash=False)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = ["file_path", "content", "old_string", "new_string", "replace_all", "offset", "limit", "pattern", "path"]


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(["Read", "Write", "Edit", "Glob"]) | st.text(max_size=8),
    arguments=st.dictionaries(
        st.sampled_from(_KEYS), _JSON | st.sampled_from(["a.txt", "src", "**", "up/x"]), max_size=4
    )
    | _JSON,
)
def test_whatever_a_model_writes_gets_an_answer_and_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, name: str, arguments: object
) -> None:
    top = tmp_path_factory.mktemp("top")
    (top / "work").mkdir()
    (top / "work" / "a.txt").write_text("one\n")
    (top / "work" / "up").symlink_to("..")
    toolbox = Toolbox(top / "work", NAMES, allow_bash=False)
    outcome = toolbox.call(name, arguments)
    toolbox.close()
    assert outcome.content
    assert outcome.content.encode()  # or no trace could hold it
    assert sorted(os.listdir(top)) == ["work"]  # noqa: PTH208 - names are what is compared
