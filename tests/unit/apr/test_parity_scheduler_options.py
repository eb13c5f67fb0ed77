"""`apr parity --scheduler` where there is none: what is said, and that nothing waits or is written."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from apr.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASKED = ("parity", "numpy:f32", "--against", "numpy:f64", "--tokens", "5,9")


@pytest.fixture
def model(tiny_llama: Callable[..., Path]) -> str:
    return str(tiny_llama("Q8_0"))


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that is said, with exit code 2 and nothing on standard output."""
    assert main([*ASKED, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    return err


@pytest.mark.parametrize(
    "address",
    [
        "nonsense://there:1",
        "tcp://127.0.0.1",
        "127.0.0.1:8786",
        "tcp://:1",
        "inproc://a:1",
        "tcp://a:0",
        "tcp://a:99999",
        "",
    ],
)
def test_an_address_that_is_none_is_refused(model: str, capsys: pytest.CaptureFixture[str], address: str) -> None:
    said = refusal(capsys, model, "--scheduler", address)
    assert f"--scheduler: {address!r} is no address of a scheduler; write tcp://HOST:PORT" in said


def test_a_scheduler_that_does_not_answer_is_told_with_what_to_do(
    model: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    captures = tmp_path / "captures"
    asked = ("--scheduler", "tcp://127.0.0.1:9", "--scheduler-timeout", "0.2", "--storage", str(captures))
    said = refusal(capsys, model, *asked)
    assert (
        "tcp://127.0.0.1:9: no scheduler of dask.distributed answers within 0.2 s; start one with `dask scheduler`"
        in said
    )
    assert not captures.exists()


def test_who_listens_and_says_nothing_is_waited_for_no_longer_than_asked(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        said = refusal(capsys, model, "--scheduler", address, "--scheduler-timeout", "0.2")
    assert f"{address}: no scheduler of dask.distributed answers within 0.2 s" in said


def test_dask_without_certificates_is_told(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, model, "--scheduler", "tls://127.0.0.1:1", "--scheduler-timeout", "0.2")
    assert "--scheduler: dask cannot speak tls: TLS expects" in said
    assert "distributed.comm.tls" in said


@pytest.mark.parametrize("option", ["--storage", "--scheduler-timeout"])
def test_options_of_a_scheduler_need_one(model: str, capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert f"{option}: goes with --scheduler alone" in refusal(capsys, model, option, "5")


def test_saved_measurements_are_judged_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", "--from", "kept", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "--scheduler does not go with --from" in capsys.readouterr().err


def test_without_the_extra_the_refusal_names_it(
    model: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("apr.parity.executors.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = refusal(capsys, model, "--scheduler", "tcp://127.0.0.1:9")
    assert "pip install 'pv-falsify[distributed]'" in said
