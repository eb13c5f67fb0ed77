"""APRT stage files and the folders they stand in.

A stage file is `APRT`, u32 layer (0xFFFFFFFF: the stage belongs to the whole model), u32 count, count float32; all little
endian. It says neither stage nor shape nor tokens, so a folder of them carries one sidecar, `capture.json`, that does.
Source: contract `apr-cli-trace-save-tensor-v1`, equation `byte_format`.

    DIR/capture.json    DIR/lm_head.bin    DIR/layer-3/ffn_gate.bin
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import stat
import struct
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from apr.capture import Provenance
from apr.errors import UnusableInput, UsageError
from apr.formats.files import replacing, unwritable
from apr.stages import ALIASES, CANONICAL, NAMES, WHOLE_MODEL, StageKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from numpy.typing import NDArray

    from apr.capture import Array, Capture

MAGIC = b"APRT"
WHOLE_MODEL_LAYER = 0xFFFF_FFFF
SIDECAR_NAME = "capture.json"
SIDECAR_SCHEMA = "apr-capture-v1"
MAX_COUNT = 2**32 - 1  # the header's count is a u32

_HEADER = struct.Struct("<4sII")
_FLOAT_BYTES = 4
_CHUNK = 1 << 20  # elements converted and written at a time: 4 MiB
_LAYER_FOLDER = re.compile(r"layer-(0|[1-9][0-9]{0,9})", re.ASCII)
_MAX_SIDECAR_BYTES = 64 << 20  # a million tokens stay below this
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Written(NamedTuple):
    """A stage file that was written: its path and its size in bytes, header included."""

    path: Path
    nbytes: int


@dataclass(frozen=True)
class StageFile:
    """A stage file whose header and length have been checked.

    Attributes:
        path: of the file.
        layer: None for a stage of the whole model.
        count: how many float32 values follow the header.
    """

    path: Path
    layer: int | None
    count: int

    @property
    def values(self) -> NDArray[np.float32]:
        """All values, float32 [count], mapped read-only; bit patterns (NaN payloads, -0) are as in the file."""
        if self.count == 0:
            return np.empty(0, np.float32)  # nothing cannot be mapped
        return np.memmap(self.path, np.dtype("<f4"), "r", _HEADER.size, (self.count,))

    def blocks(self, elements: int) -> Iterator[NDArray[np.float32]]:
        """The values in order, at most `elements` at a time; every block is a view of one buffer that is used again.

        Reads instead of mapping, so memory stays at one block however long the file is.

        Yields:
            float32 [≤ elements]

        Raises:
            UnusableInput: the file became shorter since it was opened.
        """
        buffer = np.empty(min(elements, self.count), np.dtype("<f4"))
        with self.path.open("rb", buffering=0) as file:
            file.seek(_HEADER.size)
            for start in range(0, self.count, elements):
                block = buffer[: min(elements, self.count - start)]
                view = block.data.cast("B")
                filled = 0
                while filled < len(view):
                    got = file.readinto(view[filled:])
                    if not got:
                        raise UnusableInput("became shorter while it was read", where=str(self.path))
                    filled += got
                yield block


def write_stage(path: Path, layer: int | None, array: Array) -> Written:
    """Writes one stage file; it appears complete or not at all.

    float32 is written bit for bit. float16 widens exactly; float64 is rounded to the nearest float32, and what is too large
    for that becomes infinite.

    Args:
        path: of the file; its folder must exist.
        layer: None for a stage of the whole model.
        array: any shape, written in C order.

    Raises:
        UsageError: the file cannot be written, or holds more values than the format can count.
        TypeError: the array does not hold float16, float32 or float64.
        ValueError: the layer does not fit a u32 beside the whole-model mark.
    """
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise TypeError(f"stage values must be float16, float32 or float64, not {array.dtype}")
    if layer is not None and not 0 <= layer < WHOLE_MODEL_LAYER:
        raise ValueError(f"layer {layer} does not fit the header")
    if array.size > MAX_COUNT:
        raise UsageError(
            f"{array.size} values are more than a stage file can count ({MAX_COUNT})",
            where=str(path),
            hint="trace fewer tokens",
        )
    header = _HEADER.pack(MAGIC, WHOLE_MODEL_LAYER if layer is None else layer, array.size)
    flat = array.reshape(-1)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(header)
        for start in range(0, flat.size, _CHUNK):
            with np.errstate(over="ignore"):  # documented: too large becomes infinite
                file.write(np.ascontiguousarray(flat[start : start + _CHUNK], np.dtype("<f4")).data)
    return Written(path, _HEADER.size + flat.size * _FLOAT_BYTES)


def open_stage(path: Path) -> StageFile:
    """Checks a stage file's header and length; reads none of its values.

    Raises:
        UnusableInput: it cannot be read, is no stage file, is cut off, or is longer than its header says.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode  # before it is opened: opening a pipe waits for a writer
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise UnusableInput(f"is {what}, not a stage file", where=str(path))
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise UnusableInput(f"cannot be read: {error.strerror}", where=str(path)) from error
    where = f"{path}: header, offset 0x0"
    if len(header) < _HEADER.size and MAGIC.startswith(header[: len(MAGIC)]):
        raise UnusableInput(
            f"is cut off: a stage file's header has {_HEADER.size} bytes, this file {len(header)}", where=where
        )
    if header[: len(MAGIC)] != MAGIC:
        raise UnusableInput(
            f"is no APRT stage file: it starts with {header[: len(MAGIC)]!r}, not {MAGIC!r}",
            where=where,
            hint="stage files are written by `apr trace --save-tensor`",
        )
    _, layer, count = _HEADER.unpack(header)
    expected = _HEADER.size + count * _FLOAT_BYTES
    if size != expected:
        fault = "is cut off" if size < expected else "goes on after its last value"
        raise UnusableInput(
            f"{fault}: the header announces {count} values, so {expected} bytes, but the file has {size}",
            where=f"{path}: body, offset {min(size, expected):#x}",
            hint="write it again",
        )
    return StageFile(path, None if layer == WHOLE_MODEL_LAYER else layer, count)


def stage_path(key: StageKey) -> str:
    """Where a stage stands below its folder: `layer-N/STAGE.bin`, or `STAGE.bin` for the whole model."""
    return f"{key.stage}.bin" if key.layer is None else f"layer-{key.layer}/{key.stage}.bin"


@dataclass(frozen=True)
class StageEntry:
    """One stage file in a sidecar.

    Attributes:
        path: below the folder, with `/`; always what `stage_path` makes of stage and layer.
        stage: canonical name.
        layer: None for a stage of the whole model.
        shape: [positions, width]; its product is the file's count.
    """

    path: str
    stage: str
    layer: int | None
    shape: tuple[int, ...]

    @property
    def key(self) -> StageKey:
        """Stage and layer."""
        return StageKey(self.stage, self.layer)


@dataclass(frozen=True)
class Sidecar:
    """What `capture.json` says: schema `apr-capture-v1`.

    A foreign engine writes this file to have its stage files judged:
    `{"schema": "apr-capture-v1", "provenance": {engine, build, arithmetic, architecture, model_sha256, tokens, positions,
    weights_sha256 or null}, "files": [{path, stage, layer, shape}, …]}`, the attributes of `apr.capture.Provenance` and of `StageEntry`.

    Attributes:
        provenance: of every file listed.
        files: the files of this capture; whatever else stands in the folder does not belong to it.
    """

    provenance: Provenance
    files: tuple[StageEntry, ...]

    def to_json(self) -> str:
        """The file's text."""
        content = {
            "schema": SIDECAR_SCHEMA,
            "provenance": asdict(self.provenance),
            "files": [asdict(entry) for entry in self.files],
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


class _SidecarReader:
    """Takes a parsed `capture.json` apart and refuses whatever is not as `Sidecar` describes it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def refuse(self, place: str, problem: str) -> UnusableInput:
        return UnusableInput(
            problem,
            where=f"{self.path}: {place}",
            hint=f"it should follow schema {SIDECAR_SCHEMA}; capture again, or delete it",
        )

    def member(self, content: Mapping[str, Any], name: str, kind: type, place: str) -> Any:
        if type(content.get(name)) is not kind:
            raise self.refuse(f"{place}{name}", f"missing, or no {kind.__name__}")
        if kind is str and _SURROGATE.search(content[name]):
            raise self.refuse(f"{place}{name}", "holds half of a surrogate pair, which is no character")
        return content[name]

    def numbers(self, content: Mapping[str, Any], name: str, place: str) -> tuple[int, ...]:
        values = self.member(content, name, list, place)
        if not all(type(value) is int and value >= 0 for value in values):
            raise self.refuse(f"{place}{name}", "holds something other than whole numbers from 0")
        return tuple(values)

    def provenance(self, content: Mapping[str, Any]) -> Provenance:
        place = "provenance."
        texts = {
            name: self.member(content, name, str, place)
            for name in ("engine", "build", "arithmetic", "architecture", "model_sha256")
        }
        if not _SHA256.fullmatch(texts["model_sha256"]):
            raise self.refuse("provenance.model_sha256", "is not 64 lower-case hex digits")
        weights = content.get("weights_sha256")
        if weights is not None and not (type(weights) is str and _SHA256.fullmatch(weights)):
            raise self.refuse("provenance.weights_sha256", "is not 64 lower-case hex digits")
        tokens, positions = self.numbers(content, "tokens", place), self.numbers(content, "positions", place)
        return Provenance(**texts, tokens=tokens, positions=positions, weights_sha256=weights)

    def entry(self, index: int, content: Any) -> StageEntry:
        place = f"files[{index}]."
        if type(content) is not dict:
            raise self.refuse(f"files[{index}]", "is no object")
        stage = self.member(content, "stage", str, place)
        if stage not in CANONICAL:
            raise self.refuse(f"{place}stage", f"unknown stage {stage!r}")
        layer = content.get("layer", -1)
        of_layer = type(layer) is int and 0 <= layer < WHOLE_MODEL_LAYER
        if not of_layer and layer is not None:
            raise self.refuse(f"{place}layer", "must be a layer's number or null")
        if (layer is None) != (stage in WHOLE_MODEL):
            raise self.refuse(
                f"{place}layer",
                f"stage {stage!r} belongs to {'the whole model' if stage in WHOLE_MODEL else 'a layer'}",
            )
        entry = StageEntry(
            self.member(content, "path", str, place), stage, layer, self.numbers(content, "shape", place)
        )
        if entry.path != stage_path(entry.key):
            raise self.refuse(
                f"{place}path", f"is {entry.path!r}, but this stage's file must be {stage_path(entry.key)!r}"
            )
        return entry

    def sidecar(self, content: Any) -> Sidecar:
        if type(content) is not dict or content.get("schema") != SIDECAR_SCHEMA:
            raise self.refuse("schema", f"is not {SIDECAR_SCHEMA!r}")
        provenance = self.provenance(self.member(content, "provenance", dict, ""))
        files = tuple(self.entry(index, entry) for index, entry in enumerate(self.member(content, "files", list, "")))
        if len({entry.path for entry in files}) != len(files):
            raise self.refuse("files", "lists a file twice")
        return Sidecar(provenance, files)


def read_sidecar(directory: Path) -> Sidecar | None:
    """The folder's `capture.json`, or None where there is none.

    Raises:
        UnusableInput: it cannot be read, is no JSON, or does not follow its schema.
    """
    path = Path(directory) / SIDECAR_NAME
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_SIDECAR_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableInput(f"cannot be read: {error.strerror}", where=str(path)) from error
    reader = _SidecarReader(path)
    if len(text) > _MAX_SIDECAR_BYTES:
        raise reader.refuse("the file", f"is larger than {_MAX_SIDECAR_BYTES} bytes")
    try:
        content = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # ValueError covers bad JSON, bad UTF-8 and endless digits
        raise reader.refuse("the file", f"is no JSON: {error}") from error
    return reader.sidecar(content)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; `json` alone lets the last of two equal keys win, and other readers the first."""
    content = dict(pairs)
    if len(content) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!r} occurs twice in one object")
    return content


@dataclass(frozen=True)
class StageDirectory:
    """A folder of stage files whose headers and lengths have been checked; values are read when asked for.

    Attributes:
        path: of the folder.
        provenance: None where there is no sidecar.
        files: the stage files by key, in forward order.
        shapes: [positions, width] by key; empty where there is no sidecar.
        ignored: `.bin` files whose names are no stage's, below the folder; only looked for where there is no sidecar.
    """

    path: Path
    provenance: Provenance | None
    files: Mapping[StageKey, StageFile]
    shapes: Mapping[StageKey, tuple[int, ...]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def array(self, key: StageKey) -> NDArray[np.float32]:
        """A stage's values, mapped read-only: float32 [positions, width], or [count] where there is no sidecar.

        Raises:
            KeyError: the folder does not have this stage.
        """
        values = self.files[key].values
        return values.reshape(self.shapes[key]) if key in self.shapes else values


def read_capture(directory: Path) -> StageDirectory:
    """Opens a folder of stage files: those its sidecar lists, or, without a sidecar, those whose names are stages'.

    Raises:
        UnusableInput: no folder, no stage file in it, a broken sidecar, a listed file that is missing or broken, a header
            that contradicts the file's place or its shape.
    """
    directory = Path(directory)
    if not directory.is_dir():
        problem = "is no folder" if directory.exists() else "does not exist"
        raise UnusableInput(problem, where=str(directory), hint="give a folder that `apr trace --save-tensor` wrote")
    sidecar = read_sidecar(directory)
    if sidecar is None:
        found, ignored = _discover(directory)
        shapes: dict[StageKey, tuple[int, ...]] = {}
    else:
        found, ignored = {entry.key: directory / entry.path for entry in sidecar.files}, ()
        shapes = {entry.key: entry.shape for entry in sidecar.files}
    if not found:
        raise UnusableInput(
            "holds no stage files", where=str(directory), hint="stage files are written by `apr trace --save-tensor`"
        )
    files = {key: _open_in_place(found[key], key, shapes.get(key)) for key in sorted(found, key=lambda key: key.order)}
    return StageDirectory(directory, sidecar.provenance if sidecar else None, files, shapes, ignored)


def _open_in_place(path: Path, key: StageKey, shape: tuple[int, ...] | None) -> StageFile:
    stage = open_stage(path)
    if stage.layer != key.layer:
        says = "the whole model" if stage.layer is None else f"layer {stage.layer}"
        raise UnusableInput(f"the header says {says}, the file stands for {key}", where=f"{path}: header, offset 0x4")
    if shape is not None and math.prod(shape) != stage.count:
        raise UnusableInput(
            f"the header announces {stage.count} values, {SIDECAR_NAME} the shape {list(shape)}",
            where=f"{path}: header, offset 0x8",
            hint="the file belongs to another run: capture again",
        )
    return stage


def _discover(directory: Path) -> tuple[dict[StageKey, Path], tuple[str, ...]]:
    """Stage files by their names, and the `.bin` files with other names."""
    found: dict[StageKey, Path] = {}
    ignored = []
    folders = [
        (directory, None),
        *(
            (folder, int(match[1]))
            for folder in directory.iterdir()
            if folder.is_dir() and (match := _LAYER_FOLDER.fullmatch(folder.name))
        ),
    ]
    for folder, layer in folders:
        for path in sorted(folder.glob("*.bin")):
            stage = ALIASES.get(path.stem, path.stem)
            if path.stem not in NAMES or (stage in WHOLE_MODEL) != (layer is None):
                ignored.append(path.relative_to(directory).as_posix())
                continue
            key = StageKey(stage, layer)
            if key in found:
                raise UnusableInput(
                    f"{path.name} and {found[key].name} are the same stage", where=str(folder), hint="delete one"
                )
            found[key] = path
    return found, tuple(sorted(ignored))


class CaptureWriter:
    """Writes a capture into a folder as its stages come; a context manager.

    Everything is first written into a hidden folder inside `directory`. When the block ends well, the files that the
    previous capture's sidecar lists are deleted, the new files take their places and the new sidecar comes last. When it
    does not, the folder is as it was before. Files that no sidecar of ours lists are never deleted.

    Args:
        directory: made, with its parents, where it does not exist.
        provenance: of all stages.
    """

    def __init__(self, directory: Path, provenance: Provenance) -> None:
        self.directory, self.provenance = Path(directory), provenance
        self._entries: dict[StageKey, StageEntry] = {}
        self._sizes: dict[StageKey, int] = {}
        self._made: list[Path] = []
        self._previous: Sidecar | None = None
        self._staging = Path()

    def __enter__(self) -> Self:
        """Prepares the folder.

        Raises:
            UsageError: it cannot be made or written to.
            UnusableInput: it has a `capture.json` that is none of ours.
        """
        missing = [folder for folder in (self.directory, *self.directory.parents) if not folder.exists()]
        self._made = missing
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._previous = read_sidecar(self.directory)
            self._staging = Path(tempfile.mkdtemp(prefix=".capture-", dir=self.directory))
        except OSError as error:
            self._remove_made()
            raise unwritable(self.directory, error) from error
        return self

    def add(self, key: StageKey, array: Array) -> Written:
        """Writes one stage.

        Args:
            key: with the canonical stage name; each key once.
            array: [positions, width], float; row p belongs to `provenance.positions[p]`.

        Returns:
            The path the file will have when the block has ended, and its size.

        Raises:
            UsageError: the file cannot be written.
            ValueError: the key was added before, is no canonical stage's, or the array has another number of rows than there
                are positions.
        """
        if key in self._entries:
            raise ValueError(f"{key} was added twice")
        if key.stage not in CANONICAL or (key.layer is None) != (key.stage in WHOLE_MODEL):
            raise ValueError(f"{key!r} is no stage")
        if array.ndim != 2 or len(array) != len(self.provenance.positions):
            raise ValueError(f"{key} has shape {array.shape}, expected [{len(self.provenance.positions)}, width]")
        path = self._staging / stage_path(key)
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(path.parent, error) from error
        nbytes = write_stage(path, key.layer, array).nbytes
        self._entries[key] = StageEntry(stage_path(key), key.stage, key.layer, array.shape)
        self._sizes[key] = nbytes
        return Written(self.directory / stage_path(key), nbytes)

    @property
    def written(self) -> list[Written]:
        """What this capture consists of so far, in forward order."""
        return [Written(self.directory / self._entries[key].path, self._sizes[key]) for key in self._keys()]

    def _keys(self) -> list[StageKey]:
        return sorted(self._entries, key=lambda key: key.order)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
                self._made = []
        except OSError as problem:
            raise unwritable(self.directory, problem) from problem
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._remove_made()

    def _publish(self) -> None:
        """Old files, then the old sidecar go; the new files, then the new sidecar come.

        Broken off in the middle, the folder holds a sidecar that lists missing files, which is refused when read, or none.
        """
        keys = self._keys()
        sidecar = Sidecar(self.provenance, tuple(self._entries[key] for key in keys))
        if self._previous is not None:
            for entry in self._previous.files:
                (self.directory / entry.path).unlink(missing_ok=True)
        (self.directory / SIDECAR_NAME).unlink(missing_ok=True)
        for key in keys:
            target = self.directory / self._entries[key].path
            target.parent.mkdir(exist_ok=True)
            (self._staging / self._entries[key].path).replace(target)
        for entry in self._previous.files if self._previous is not None else ():
            with contextlib.suppress(OSError):  # a layer's folder that is still in use stays
                (self.directory / entry.path).parent.rmdir()
        temporary = self._staging / SIDECAR_NAME
        temporary.write_text(sidecar.to_json(), encoding="utf-8")
        temporary.replace(self.directory / SIDECAR_NAME)

    def _remove_made(self) -> None:
        """Removes the folders that this capture made, innermost first, as far as they are empty."""
        for folder in self._made:
            with contextlib.suppress(OSError):  # not empty any more: somebody else uses it
                folder.rmdir()


def write_capture(directory: Path, capture: Capture) -> list[Written]:
    """Writes a whole capture at once.

    Returns:
        What was written, in forward order.

    Raises:
        UsageError, UnusableInput: as `CaptureWriter`.
    """
    with CaptureWriter(directory, capture.provenance) as writer:
        for key in capture.keys_in_order():
            writer.add(key, capture[key])
    return writer.written
