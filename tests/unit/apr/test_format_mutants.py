"""Every planted fault of a file format changes what is written or read, and is gone when it is taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.errors import AprError
from apr.formats.apr import Dtype, Flags, header, read_apr, write_apr
from apr.mutants.formats import MUTANTS
from apr.quant import apr_blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOTHING = {"model_type": "test", "total_size": 0, "param_count": 0, "x": 1}


def written(path: Path) -> Any:
    """A file with several types, as bytes, or the refusal."""
    data = np.arange(2 * 2 * 144, dtype=np.uint8) | 1
    tensors: list[Any] = [
        ("b", Dtype.BF16, (3, 2), data[:12]),
        ("a", Dtype.F32, (1, 3), [data[:5], data[5:12]]),
        ("k", Dtype.Q4_K, (2, 300), data),
    ]
    try:
        write_apr(path, NOTHING, tensors, flags=Flags.LAYOUT_ROW_MAJOR)
    except AprError as refusal:
        return str(refusal)
    return path.read_bytes()


def read(path: Path, content: bytes) -> Any:
    """What a reading consists of, or whether it was refused as something that is not called .apr at all."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        file = read_apr(path)
    except AprError as refusal:
        return "is not an .apr file" in refusal.problem
    footer = file.verify_footer()
    return dict(file.metadata), list(file.tensors.values()), footer is not None and footer.matches


def observed(by_hand: Callable[..., Any], path: Path) -> list[Any]:
    """Whatever a fault of the container could change."""
    wrong = [by_hand(flags=0x0800), by_hand(b"[]"), by_hand(b'{"a":1,"a":2}'), by_hand(b'{"n_embd":1,"d_model":1}')]
    for code, dims, size in ((99, (1,), 4), (8, (2, 32), 68), (12, (2, 300), 576), (12, (2, 300), 432)):
        wrong.append(by_hand(entries=[("a", code, dims, bytes(size))]))
    overlapping = by_hand(entries=[by_hand.entry(name, 7, (65,), at, 65) for name, at in ((b"a", 0), (b"b", 64))])  # type: ignore[attr-defined]
    overlapping.tail = bytes(192)
    apr2, checksum, long = by_hand(), by_hand(), by_hand()
    apr2.fields, checksum.fields, long.tail = {"magic": b"APR2"}, {"checksum": 7}, b"x"
    damaged = bytearray(by_hand().bytes + bytes(4))  # with a footer that does not match
    files = [file.bytes for file in (*wrong, overlapping, apr2, checksum, long)]
    values = np.linspace(-3, 3, 40, dtype=np.float32)
    return [
        written(path),
        *(read(path, content) for content in (*files, bytes(damaged), by_hand().bytes[:-64])),
        header.checksum(b"123456789"),
        *(encode(values).tobytes() for encode in (apr_blocks.encode_apr_q4, apr_blocks.encode_apr_q8)),
    ]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_changes_something_and_leaves_nothing_behind(
    name: str, by_hand: Callable[..., Any], tmp_path: Path
) -> None:
    sound = observed(by_hand, tmp_path / "x.apr")
    with pytest.MonkeyPatch.context() as planted:
        MUTANTS[name].plant(planted.setattr)
        assert observed(by_hand, tmp_path / "x.apr") != sound
    assert observed(by_hand, tmp_path / "x.apr") == sound


def test_a_fault_may_be_planted_for_good() -> None:
    class Owner:
        value = 1

    fault = next(iter(MUTANTS.values()))
    type(fault)("x", "y", "z", ((Owner, "value", lambda sound: sound + 1),)).plant()
    assert Owner.value == 2
