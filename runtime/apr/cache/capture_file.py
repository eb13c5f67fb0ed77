"""A capture as one safetensors file: written whole or not at all, mapped into memory when it is read, and never believed unchecked.

The sha256 in its head covers everything else: provenance, the key it stands under, names, types, shapes and all bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import mmap
import os
import struct
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.capture import Array, Capture, Provenance
from apr.errors import UnusableInput
from apr.stages import StageKey

if TYPE_CHECKING:
    from pathlib import Path

# how safetensors names numpy's types; stages of ids are whole numbers
_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_HEAD = 1 << 24  # bytes of a head that is still read
_ALIGN = 64  # bytes: where the data begins


def write_capture(path: Path, capture: Capture, key: str) -> None:
    """Writes a capture, so that under `path` there is the whole of it or what was there before.

    Args:
        path: in a folder that exists.
        capture: float16, float32, float64, int32 or int64 stages.
        key: what it is found by; reading asks for the same.

    Raises:
        OSError: no room, or no permission; nothing is left behind.
        KeyError: a stage of another dtype.
    """
    arrays = {str(stage): np.ascontiguousarray(capture[stage]) for stage in capture.keys_in_order()}
    # the widest numbers first, so that each lies where its type asks for; the table keeps the order of the pass
    stored = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    ends = list(itertools.accumulate(arrays[name].nbytes for name in stored))
    places = {name: [end - arrays[name].nbytes, end] for name, end in zip(stored, ends, strict=True)}
    table = {
        name: {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": places[name]}
        for name, array in arrays.items()
    }
    provenance = json.dumps(asdict(capture.provenance))
    digest = _begin(table, provenance, key)
    parts = [arrays[name].reshape(-1).view(np.uint8) for name in stored]
    for part in parts:
        digest.update(part)
    said = {"key": key, "provenance": provenance, "sha256": digest.hexdigest()}
    head = json.dumps({"__metadata__": said, **table}).encode()
    head += b" " * (-(len(head) + 8) % _ALIGN)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(struct.pack("<Q", len(head)) + head)
            for part in parts:
                file.write(part)  # type: ignore[arg-type] # it takes any contiguous buffer
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def read_capture(path: Path, key: str) -> Capture:
    """Maps a capture into memory; its arrays cannot be written to, and keep the map for as long as they live.

    Raises:
        FileNotFoundError: there is none.
        UnusableInput: it is not whole, has been changed, or stands under another key.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 8:
            raise UnusableInput("is cut off", where=str(path))
        memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    (length,) = struct.unpack_from("<Q", memory)
    if length > min(_HEAD, size - 8):
        raise UnusableInput("is cut off", where=str(path))
    try:
        table = json.loads(bytes(memory[8 : 8 + length]))
        said = table.pop("__metadata__")
        digest = _begin(table, said["provenance"], said["key"])
        digest.update(memory[8 + length :])
        if digest.hexdigest() != said["sha256"]:
            raise UnusableInput("does not hold what was written", where=str(path))
        if said["key"] != key:
            raise UnusableInput("stands under the key of another capture", where=str(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableInput(f"is no capture: {error}", where=str(path)) from error
    data = 8 + length
    stages = {_stage(name): _array(memory, data, entry) for name, entry in table.items()}
    told = json.loads(said["provenance"])
    told |= {"tokens": tuple(told["tokens"]), "positions": tuple(told["positions"])}
    return Capture(Provenance(**told), stages)


def _begin(table: dict[str, Any], provenance: str, key: str) -> Any:
    return hashlib.sha256(json.dumps([table, provenance, key], sort_keys=True).encode())


def _array(memory: memoryview, data: int, entry: dict[str, Any]) -> Array:
    start, end = entry["data_offsets"]
    dtype = np.dtype(_TYPES[entry["dtype"]])
    flat: Array = np.frombuffer(memory, dtype, (end - start) // dtype.itemsize, data + start)
    return flat.reshape(entry["shape"])


def _stage(name: str) -> StageKey:
    """The key that a name is of, see `StageKey.__str__`."""
    layer, apart, stage = name.partition("/")
    return StageKey(stage, int(layer.removeprefix("layer-"))) if apart else StageKey(name, None)
