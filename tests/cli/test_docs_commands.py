"""README and tutorial are done as a reader does them, every command of them, and print what they show."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apr import cache

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs/tutorial").glob("*.md"))]
ROOMS = ("contracts", "falsifiers", "fixtures", "examples", "tests", "pv", "runtime", "conftest.py", "pyproject.toml")
# how many blocks say that they are not run; another number is a decision
EXCUSED = {"README.md": 3, "first-contract.md": 1, "gguf-and-apr.md": 1, "your-own-engine.md": 1, "status-in-ci.md": 2}


def things_here() -> set[str]:
    """What blocks may need: the real model, llama.cpp."""
    here = {"model"} if cache.model_path("smollm2").exists() else set()
    return here | ({"llama.cpp"} if importlib.util.find_spec("xllamacpp") else set())


def copy_of_the_checkout(target: Path) -> Path:
    """The files that git knows, of the rooms that commands use."""
    if not target.exists():
        names = subprocess.run(
            ["git", "ls-files", "-z", *ROOMS],  # noqa: S607  the one that the checkout was made with
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for name in filter(None, names.split("\0")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_does_what_it_says(document: Path, tmp_path: Path, docs_blocks: ModuleType) -> None:
    text = document.read_text("utf-8")
    folder = tmp_path / "work"
    folder.mkdir()
    done = docs_blocks.play(text, folder, things_here(), lambda: copy_of_the_checkout(tmp_path / "checkout"))
    assert not done.wrong, done.wrong[0]
    found = [block.line for block in docs_blocks.blocks(text)]
    assert sorted(done.ran + done.excused + done.left) == found  # no block is neither run nor excused
    assert len(done.excused) == EXCUSED[document.name], "another number of blocks is not run"
    assert done.ran or done.left
    if done.left:
        pytest.skip(f"what the blocks at lines {done.left} need is not here; the others did what they say")


def test_what_looks_like_commands_is_in_a_block_of_commands() -> None:
    """A fence without a language, or one called text, would hide a command from the test above."""
    for document in DOCUMENTS:
        fence = ""
        for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
            if line.startswith("```"):
                fence = "" if fence else line
            elif fence and not fence.startswith("```console"):
                assert not line.startswith("$ "), f"{document.name}:{number}: a command in a block {fence}"
            assert fence != "```", f"{document.name}:{number}: a block without a language"
