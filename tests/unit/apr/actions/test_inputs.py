"""What a user names is opened without waiting, and read to an end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apr.actions import inputs
from apr.actions.inputs import read_small
from apr.agent.hooks import Hooks
from apr.ccpa.cli import main
from apr.errors import UnusableInput
from apr.meter.meta import read_meta
from apr.meter.rows import load_rows
from tests.action_traces import plain, save

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.mark.parametrize(
    "read",
    [read_small, lambda path: Hooks.of(path, Path()), lambda path: read_meta(path, "x"), load_rows],
    ids=["read_small", "hooks", "meta", "rows"],
)
def test_nobody_waits_at_a_pipe_or_a_device(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path, problem in (
        (tmp_path / "pipe", "no regular file"),
        (Path("/dev/zero"), "no regular file"),
        (tmp_path, "a folder"),
    ):
        with pytest.raises(UnusableInput, match=f"{path}: is {problem}"):
            read(path)
    with pytest.raises(UnusableInput, match="loop: cannot be read"):
        read(tmp_path / "loop")


def test_the_upstreams_meter_does_not_wait_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pairs" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / "pairs" / "a" / "meta.toml")
    save(tmp_path / "trace", plain())
    pipe, trace, pairs = (str(tmp_path / name) for name in ("pipe", "trace", "pairs"))
    for command in (
        ["validate", pipe],
        ["diff", pipe, trace],
        ["measure", "--teacher", pipe],
        ["coverage", "--apr-code-parity-yaml", pipe, "--fixtures-dir", pairs],
        ["coverage", "--apr-code-parity-yaml", trace, "--fixtures-dir", pairs],
    ):
        assert main([*command, "--compat", "upstream"]) == 2, command
        assert "is no regular file" in capsys.readouterr().err, command


def test_what_is_too_long_and_what_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_BYTES", 1 << 20)
    path = tmp_path / "rows.yaml"
    path.write_bytes(b"#" * (1 << 20))
    assert read_small(path) == "#" * (1 << 20)
    path.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(UnusableInput, match="has more than 1 MiB"):
        read_small(path)
    path.write_bytes(b"a\xff")
    with pytest.raises(UnusableInput, match=r"rows\.yaml: is not UTF-8: invalid start byte at byte 1"):
        read_small(path)
