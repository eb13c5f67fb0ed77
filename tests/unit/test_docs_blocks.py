"""What runs the documents would notice: a wrong output, a wrong exit code, a block that nobody ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

SOUND = """\
```console
$ echo a; echo b
a
…
$ false
$ echo $?
1
```
"""


def play(docs_blocks: ModuleType, text: str, folder: Path, there: set[str] | None = None) -> Any:
    return docs_blocks.play(text, folder, there or set(), lambda: folder)


def test_a_document_that_is_true(docs_blocks: ModuleType, tmp_path: Path) -> None:
    done = play(docs_blocks, SOUND, tmp_path)
    assert (done.ran, done.excused, done.left, done.wrong) == ([1], [], [], [])


@pytest.mark.parametrize(
    ("true", "false", "told"),
    [
        ("\na\n", "\nc\n", "prints:\na\nb\n"),  # another output
        ("\na\n…\n", "\na\n", "the document says:\na"),  # less than is printed
        ("$ false", "$ true", "prints:\n0"),  # another exit code
        ("$ echo $?\n1\n", "", "ends with 1, and the document does not say so"),
        ("$ false\n$ echo $?\n1\n", "$ false | cat\n", "ends with 1, and the document does not say so"),
        ("echo a;", "no-such-program;", "no-such-program: command not found"),
    ],
)
def test_a_document_that_is_not(docs_blocks: ModuleType, tmp_path: Path, true: str, false: str, told: str) -> None:
    assert true in SOUND
    (wrong,) = play(docs_blocks, SOUND.replace(true, false), tmp_path).wrong
    assert told in wrong


def test_files_are_written_and_added_to(docs_blocks: ModuleType, tmp_path: Path) -> None:
    text = '```python title="a/b.py"\nx = 1\n```\n```python title="a/b.py (at its end)"\nprint(x)\n```\n'
    done = play(docs_blocks, text + "```sh\n# said\npython a/b.py \\\n  > c\n```\n", tmp_path)
    assert (done.ran, done.wrong) == ([1, 4, 7], [])
    assert (tmp_path / "c").read_text() == "1\n"


def test_excuses_and_needs_are_counted(docs_blocks: ModuleType, tmp_path: Path) -> None:
    text = "<!-- not run: no network -->\n```sh\nfalse\n```\n\n<!-- needs: model, moon -->\n\n```sh\ntouch x\n```\n"
    done = play(docs_blocks, text, tmp_path, {"model"})
    assert (done.ran, done.excused, done.left, done.wrong) == ([], [2], [8], [])
    assert play(docs_blocks, text, tmp_path, {"model", "moon"}).ran == [8]
    assert (tmp_path / "x").exists()
    with pytest.raises(ValueError, match="line 2: 'not run' without a reason"):
        docs_blocks.blocks("<!-- not run: -->\n```sh\nfalse\n```\n")
    # an excuse holds for the block below it and no other
    assert [one.excuse for one in docs_blocks.blocks("<!-- not run: x -->\ntext\n```sh\na\n```\n")] == [""]
    with pytest.raises(ValueError, match="begins with a command"):
        docs_blocks.blocks("```console\nls\n```\n")[0].commands()


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        ("2 passed in 0.21s", "2 passed in 11.40s", True),
        ("2 passed in 0.21s", "3 passed in 0.21s", False),
        ("a    1.2e-07  x", "a  3e-08  x", True),
        ("a    1.2e+00  x", "a  1.3e+00  x", False),
        ("sha 0123456789abcdef", "sha fedcba9876543210", True),
        ("a …  b", "a   12      b", True),
        ("a …  b", "a\nb", False),
        ("=== a ===", "======= a =====", True),
        ("  a", "a", False),
    ],
)
def test_what_differs_with_the_machine_counts_for_nothing(
    docs_blocks: ModuleType, shown: str, printed: str, *, agree: bool
) -> None:
    assert docs_blocks.agrees((shown,), f"{printed}\n") is agree
