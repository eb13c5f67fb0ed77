"""Pairs of actions that are the same, and pairs that are not, by what decides: a tool, a hook, a path, a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from given.sessions import Call, Hook, Skill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEACHER_CWD = "/home/teacher/project"
STUDENT_CWD = "/srv/student/work"


class Near(NamedTuple):
    """Two actions, and whether they are the same.

    Attributes:
        stage: what decides it.
        same: as the rules say.
        teacher, student: the two.
    """

    stage: str
    same: bool
    teacher: Call | Hook | Skill
    student: Call | Hook | Skill


def near_misses() -> list[Near]:
    """All of them."""
    return [*_tools(), *_paths(), *_names(), *_results(), *_hooks_and_skills()]


def _calls(stage: str, same: bool, name: str, *pairs: tuple[dict[str, Any], dict[str, Any]]) -> Iterator[Near]:
    for first, second in pairs:
        yield Near(stage, same, Call(name, first), Call(name, second))


def _commands(same: bool, *pairs: tuple[str, str]) -> Iterator[Near]:
    return _calls("Bash", same, "Bash", *(({"command": first}, {"command": second}) for first, second in pairs))


def _tools() -> Iterator[Near]:
    yield from _commands(
        True, ("ls -l", "ls -l"), ("ls  -l", "ls -l"), ("  ls\t-l ;", "ls -l"), ("echo 'a  b'", "echo   'a  b'")
    )
    yield from _commands(
        False,
        ("ls -l", "ls -a"),
        ("echo 'a  b'", "echo 'a b'"),
        ('echo "a  b"', 'echo "a b"'),
        ("ls # c\nrm x", "ls # c rm x"),
        ("echo a\nb", "echo a b"),
        ("LS", "ls"),
    )
    yield from _calls(
        "Bash", False, "Bash", ({"command": "ls"}, {"command": "ls", "run_in_background": True}),
        ({"command": "ls", "timeout": 1000}, {"command": "ls", "timeout": 2000}),
    )  # fmt: skip
    yield from _calls(
        "Read", True, "Read", ({"file_path": "a"}, {"file_path": "a"}), ({"file_path": "a"}, {"file_path": "a", "offset": 0}),
        ({"file_path": "a", "limit": 5}, {"path": "a", "limit": 5}),
    )  # fmt: skip
    yield from _calls(
        "Read", False, "Read", ({"file_path": "a"}, {"file_path": "b"}), ({"file_path": "a"}, {"file_path": "a", "offset": 3}),
        ({"file_path": "a", "offset": 5}, {"file_path": "a", "offset": 9}),
        ({"file_path": "a", "offset": 5}, {"file_path": "a", "offset": "5"}),
        ({"file_path": "a", "limit": 5}, {"file_path": "a", "limit": 6}),
        ({"file_path": "a", "path": "b"}, {"file_path": "a"}),
    )  # fmt: skip
    yield from _calls("Write", True, "Write", ({"file_path": "a", "content": "1"}, {"path": "a", "content": "1"}))
    yield from _calls(
        "Write", False, "Write", ({"file_path": "a", "content": "1"}, {"file_path": "a", "content": "2"}),
        ({"file_path": "a", "content": "1"}, {"file_path": "b", "content": "1"}),
        ({"file_path": "a", "content": "1\n"}, {"file_path": "a", "content": "1\r\n"}),
        ({"file_path": "a", "content": ""}, {"file_path": "a"}),
    )  # fmt: skip
    edit = {"file_path": "a", "old_string": "1", "new_string": "2"}
    yield from _calls("Edit", True, "Edit", (edit, edit), (edit, edit | {"replace_all": False}))
    yield from _calls(
        "Edit", False, "Edit", (edit, edit | {"new_string": "3"}), (edit, edit | {"old_string": "0"}),
        (edit, edit | {"file_path": "b"}), (edit, edit | {"replace_all": True}),
    )  # fmt: skip
    yield from _calls("Glob", True, "Glob", ({"pattern": "*.py"}, {"pattern": "*.py"}))
    yield from _calls(
        "Glob", False, "Glob", ({"pattern": "*.py"}, {"pattern": "*.pyi"}), ({"pattern": "*.py"}, {"pattern": "*.py", "path": "src"}),
        ({"pattern": "*.py"}, {"pattern": "*.py "}),
    )  # fmt: skip
    yield from _calls("Grep", True, "Grep", ({"pattern": "x", "path": "src"}, {"path": "src", "pattern": "x"}))
    yield from _calls(
        "Grep", False, "Grep", ({"pattern": "x"}, {"pattern": "y"}), ({"pattern": "x"}, {"pattern": "x", "path": "src"}),
        ({"pattern": "x"}, {"pattern": "x", "-i": True}), ({"pattern": "x"}, {"pattern": "x", "glob": "*.py"}),
        ({"pattern": "x"}, {"pattern": "x", "-C": 2}), ({"pattern": "x"}, {"pattern": "x", "output_mode": "count"}),
    )  # fmt: skip
    agent = {"subagent_type": "explorer", "prompt": "look"}
    yield Near("Agent", True, Call("Agent", agent), Call("Task", agent))
    yield from _calls(
        "Agent", False, "Agent", (agent, agent | {"prompt": "look again"}), (agent, agent | {"subagent_type": "planner"}),
        (agent, agent | {"isolation": "worktree"}),
    )  # fmt: skip
    yield from _calls("other", True, "mcp__notes__add", ({"a": 1, "b": [2]}, {"b": [2], "a": 1}))
    yield from _calls(
        "other", False, "mcp__notes__add", ({"a": 1}, {"a": 2}), ({"a": 1}, {"a": 1.0}), ({"a": 1}, {"a": True}), ({"a": None}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}), ({"a": "x"}, {"a": "X"}),
    )  # fmt: skip


def _paths() -> Iterator[Near]:
    def reads(same: bool, *pairs: tuple[str, str]) -> Iterator[Near]:
        return _calls("path", same, "Read", *(({"file_path": first}, {"file_path": second}) for first, second in pairs))

    yield from reads(
        True, ("src/a.py", "./src/a.py"), ("src//a.py", "src/a.py"), ("src/../a.py", "a.py"),
        (f"{TEACHER_CWD}/src/a.py", "src/a.py"), (f"{TEACHER_CWD}/a.py", f"{STUDENT_CWD}/a.py"), ("/etc/hosts", "/etc/hosts"),
    )  # fmt: skip
    yield from reads(
        False, ("src/a.py", "a.py"), ("src/A.py", "src/a.py"), ("../a.py", "a.py"), ("/etc/hosts", "etc/hosts"), ("src/../a.py", "src/a.py"),
        (f"{TEACHER_CWD}-two/a.py", "a.py"), ("~/a.py", "a.py"),
    )  # fmt: skip


def _names() -> Iterator[Near]:
    for first, second in (("Read", "read"), ("Bash", "bash"), ("mcp__a__x", "mcp__b__x"), ("WebFetch", "WebSearch")):
        same_input = {"file_path": "a"}
        yield Near("name", False, Call(first, same_input), Call(second, same_input))


def _results() -> Iterator[Near]:
    def results(same: bool, *pairs: tuple[dict[str, Any], dict[str, Any]]) -> Iterator[Near]:
        for first, second in pairs:
            ls = {"command": "ls"}
            yield Near("result", same, Call("Bash", ls, **first), Call("Bash", ls, **second))

    yield from results(
        True, ({"content": "a\nb"}, {"content": "a  \r\nb"}), ({"content": f"{TEACHER_CWD}/a"}, {"content": f"{STUDENT_CWD}/a"})
    )  # fmt: skip
    yield from results(
        False, ({"content": "a"}, {"content": "b"}), ({"ok": True}, {"ok": False}), ({"exit_code": 0}, {"exit_code": 1}),
        ({"content": "a  b"}, {"content": "a b"}), ({"content": "  a"}, {"content": "a"}),
        ({"content": "x" * 5000 + "a"}, {"content": "x" * 5000 + "b"}), ({"content": "${CWD}/a"}, {"content": f"{STUDENT_CWD}/a"}),
        ({"content": f"{TEACHER_CWD}-two/a"}, {"content": f"{STUDENT_CWD}-two/a"}),
    )  # fmt: skip


def _hooks_and_skills() -> Iterator[Near]:
    hook = Hook("PreToolUse", matcher="Bash", output="ok")
    yield Near("hook", True, hook, hook)
    for other in (
        Hook("PostToolUse", matcher="Bash", output="ok"),
        Hook("PreToolUse", matcher="Read", output="ok"),
        Hook("PreToolUse", "warn", matcher="Bash", output="ok"),
        Hook("PreToolUse", matcher="Bash", output="no"),
        Hook("PreToolUse", output="ok"),
    ):
        yield Near("hook", False, hook, other)
    yield Near("hook", False, Hook("Stop"), Hook("Stop", matcher=""))
    yield Near("hook", False, Hook("Stop", output="o  k"), Hook("Stop", output="o k"))
    yield Near("skill", True, Skill("tidy"), Skill("tidy"))
    for skill in (Skill("sort"), Skill("tidy", "user_invoked"), Skill("tidy", injected=True)):
        yield Near("skill", False, Skill("tidy"), skill)


def stages(near: Sequence[Near]) -> list[str]:
    """What decides, each once."""
    return list(dict.fromkeys(one.stage for one in near))
