"""Files of hooks and skills: what they may say, and what is refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from apr.agent.events import Hooked
from apr.agent.hooks import Hook, Hooks
from apr.agent.skills import Skill, used
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from pathlib import Path


def save(path: Path, hooks: Any) -> Path:
    path.write_text(json.dumps(hooks))
    return path


def test_both_languages_say_the_same(tmp_path: Path) -> None:
    toml = tmp_path / "h.toml"
    toml.write_text('[[hooks]]\nevent = "PreToolUse"\nmatcher = "Read | Write"\ncommand = "true"\n[[hooks]]\nevent = "Stop"\ncommand = "x"\n')  # fmt: skip
    listed = [{"event": "PreToolUse", "matcher": "Read|Write", "command": "true"}, {"event": "Stop", "command": "x"}]
    expected = (Hook("PreToolUse", "true", frozenset({"Read", "Write"})), Hook("Stop", "x"))
    assert Hooks.of(toml, tmp_path).hooks == expected
    assert Hooks.of(save(tmp_path / "h.json", {"hooks": listed}), tmp_path).hooks == expected
    assert Hooks.of(save(tmp_path / "h.json", {"hooks": [listed[1] | {"event": "PreToolUse", "matcher": "*"}]}), tmp_path).hooks == (Hook("PreToolUse", "x"),)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "`hooks`, a list"),
        ({"hooks": {}}, "`hooks`, a list"),
        ({"hooks": [], "more": 1}, "nothing else"),
        ({"hooks": ["x"]}, "hook 1: has to be a table"),
        ({"hooks": [{"event": "Stop", "command": 3}]}, "hook 1: has to be a table of texts"),
        ({"hooks": [{"event": "Stop", "command": "x", "when": "y"}]}, "'when' is not known"),
        ({"hooks": [{"event": "Stop", "command": "x"}, {"event": "stop", "command": "x"}]}, "hook 2: event 'stop'"),
        ({"hooks": [{"event": "SubagentStop", "command": "x"}]}, "does not happen here"),
        ({"hooks": [{"command": "x"}]}, "event None"),
        ({"hooks": [{"event": "Stop", "command": " "}]}, "no command"),
        ({"hooks": [{"event": "Stop"}]}, "no command"),
        ({"hooks": [{"event": "Stop", "command": "x", "matcher": "Read"}]}, "nothing to match"),
    ],
)
def test_what_is_no_file_of_hooks_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UnusableInput) as refusal:
        Hooks.of(save(tmp_path / "h.json", content), tmp_path)
    assert message in str(refusal.value)


@pytest.mark.parametrize("content", [b"\xff", b"[[hooks]", b"[" * 100_000])
@pytest.mark.parametrize("name", ["h.json", "h.toml"])
def test_what_is_no_text_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnusableInput, match=r"is neither TOML nor JSON|is not UTF-8"):
        Hooks.of(tmp_path / name, tmp_path)


def test_the_decision_is_the_exit_code_and_nothing_runs_behind_a_block(tmp_path: Path) -> None:
    hooks = Hooks(
        (
            Hook("PreToolUse", "exit 0"),
            Hook("PreToolUse", "echo hm; echo no >&2; exit 1"),
            Hook("PreToolUse", "exit 0", frozenset({"Write"})),
            Hook("PreToolUse", 'cp "$APR_HOOK_INPUT" given; exit 2', frozenset({"Read", "Write"})),
            Hook("PreToolUse", "touch behind"),
        ),
        tmp_path,
    )
    ran = list(hooks.run("PreToolUse", 4, {"tool": "Read", "input": {"a": "ü"}}, "Read"))
    assert ran == [
        Hooked(4, "PreToolUse", "Read", "allow", 0, ""),
        Hooked(4, "PreToolUse", "Read", "warn", 1, "hm\nno"),
        Hooked(4, "PreToolUse", "Read", "block", 2, ""),
    ]
    assert json.loads((tmp_path / "given").read_text()) == {"event": "PreToolUse", "tool": "Read", "input": {"a": "ü"}}
    assert not (tmp_path / "behind").exists()
    assert list(hooks.run("Stop", 4, {})) == []


@pytest.mark.parametrize(
    ("command", "said"), [("exit 3", "left with 3"), ("no-such-program", "127"), ("kill -9 $$", "137")]
)
def test_a_hook_that_says_nothing_clear_ends_all(tmp_path: Path, command: str, said: str) -> None:
    with pytest.raises(UnusableInput, match=said):
        list(Hooks((Hook("Stop", command),), tmp_path).run("Stop", 1, {}))


def test_a_hook_that_takes_too_long_ends_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apr.agent.hooks._SECONDS", 0.3)
    with pytest.raises(UnusableInput, match=r"took more than 0\.3 s"):
        list(Hooks((Hook("Stop", "sleep 30"),), tmp_path).run("Stop", 1, {}))


# skills


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / ".apr" / "skills"
    folder.mkdir(parents=True)
    (folder / "tidy-up.md").write_text("\nBe tidy: ü.\n")
    return tmp_path


@pytest.mark.parametrize("prompt", ["/tidy-up", "/tidy-up a.txt", "/tidy-up\nnow"])
def test_a_prompt_that_begins_with_it_uses_a_skill(root: Path, prompt: str) -> None:
    assert used(prompt, root) == (Skill("tidy-up", "Be tidy: ü."), "")


@pytest.mark.parametrize("prompt", ["tidy-up", " /tidy-up", "/tidy-up.md", "/../x", "/usr/bin/env is what?", "/", "/-x", "/x/y", ""])  # fmt: skip
def test_any_other_prompt_uses_none(root: Path, prompt: str) -> None:
    assert used(prompt, root) == (None, "")


def test_a_skill_that_is_not_there_is_noted(root: Path) -> None:
    skill, note = used("/tidy up", root)
    assert skill is None
    assert "no skill 'tidy'" in note


def test_what_is_no_skill_is_refused(root: Path) -> None:
    folder = root / ".apr" / "skills"
    (root / "secret.md").write_text("x")
    (folder / "link.md").symlink_to(root / "secret.md")
    (folder / "odd.md").write_bytes(b"\xff")
    (folder / "long.md").write_bytes(b"x" * (256 * 1024 + 1))
    (folder / "folder.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    for name, said in (("link", "cannot be read"), ("odd", "no UTF-8"), ("long", "bytes"), ("folder", "regular"), ("pipe", "regular")):  # fmt: skip
        with pytest.raises(UnusableInput, match=said):
            used(f"/{name}", root)
