"""Edits of one tree, and trees that differ: what a meter has to make of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from given.sessions import Call
from pv import Refuted

if TYPE_CHECKING:
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Evidence


def plant(folder: Path, files: dict[str, str]) -> Path:
    """Writes a tree of plain files into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
    return folder


def hold_tree_hashes(evidence: Evidence, tracing: Tracing, before: Path, folder: Path) -> None:
    """Two trees have one hash where they hold the same, but for what is excluded."""
    files = {"a.txt": "one\ntwo\ntwo\n", "src/b.py": "b\n"}
    sound = tracing.tree_sha256(before)
    if sound != tracing.tree_sha256(plant(folder / "copy", files)) or len(sound) != 64:
        raise Refuted("a copy of a tree has another hash", stage="tree hash")
    for number, other in enumerate(
        ({"src/b.py": "c\n"}, {"a.txt": "one\ntwo\ntwo"}, {"c.txt": ""}, {"src/c.py": "b\n"}, {"b.py": "b\n"})
    ):
        evidence.compared(1, "tree hashes")
        if tracing.tree_sha256(plant(folder / f"other{number}", files | other)) == sound:
            raise Refuted(f"a tree with {other} has the hash of one without", stage="tree hash")
    if tracing.tree_sha256(plant(folder / "kept", files | {".git/HEAD": "", "target/x": "", "a.lock": ""})) != sound:
        raise Refuted("the hash of a tree depends on .git, target or lock files", stage="exclusions")


def edits() -> list[tuple[str, float, list[Call], list[Call]]]:
    """What it is about, the score, the teacher's edits, the student's."""

    def edit(old: str, new: str, **more: Any) -> Call:
        ok = more.pop("ok", True)
        return Call("Edit", {"file_path": "a.txt", "old_string": old, "new_string": new} | more, ok=ok)

    def note(text: str) -> Call:
        return Call("Write", {"file_path": "note.txt", "content": text})

    lie = {"post_state_sha256": "0" * 64}
    return [
        ("other hunks, the same file", 1, [edit("one", "1")], [edit("one\ntwo", "1\ntwo")]),
        ("all of them, or both at once", 1, [edit("two", "2", replace_all=True)], [edit("two\ntwo", "2\n2")]),
        ("in another path's words", 1, [edit("one", "1")], [edit("one", "1", file_path="./src/../a.txt")]),
        ("behind another edit", 1, [edit("one", "1"), edit("1", "0")], [edit("one", "1"), edit("1\n", "0\n")]),
        ("another file comes out", 0, [edit("one", "1")], [edit("one", "I")]),
        ("another file comes out, and both claim the same", 0, [edit("one", "1", **lie)], [edit("one", "I", **lie)]),
        ("edits that failed", 0, [edit("one", "1", ok=False)], [edit("one\ntwo", "1\ntwo", ok=False)]),
        ("behind an edit that failed", 1 / 2, [edit("one", "1", ok=False), edit("one", "2")],
         [edit("one", "1", ok=False), edit("1", "2")]),
        ("a piece that is there twice, which nobody can have replaced", 0, [edit("two", "2")], [edit("one\ntwo", "one\n2")]),
        *((f"behind {name} files are not known", 1 / 2, [note("1"), Call(name, does)], [note("2"), Call(name, does)])
          for name, does in (("Bash", {"command": "make"}), ("Agent", {"prompt": "make"}), ("mcp__a__make", {}))),
    ]  # fmt: skip


def other_trees() -> list[tuple[str, dict[str, str]]]:
    """What one of two trees has besides, or otherwise, and what decides whether that counts."""
    return [
        ("exclusions", {".git/index": "1", "target/debug/x": "1", "src/target/y": "1", "Cargo.lock": "1"}),
        ("files", {"a.txt": "y\n"}),
        ("files", {"a.txt": "x  \n"}),
        ("files", {"src/b.py": "b\n"}),
        ("files", {"src/c.rs": "", "targets": "", "lock": "", ".gitignore": "", "a.locked": ""}),
    ]
