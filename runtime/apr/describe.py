"""What a model file says about itself, from its head alone: nothing of the tensor data is read."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr.errors import UnusableInput
from apr.formats import open_model
from apr.formats.apr import AprSet, describe_v1, open_apr
from apr.formats.apr.foreign import MAGIC_V1
from apr.formats.apr_model import AprModel
from apr.formats.files import map_file
from apr.formats.gguf import GgufFile
from apr.formats.split import SplitGguf
from apr.models import architecture_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from apr.formats.apr import AprFile
    from apr.formats.model_file import ModelFile
    from apr.models import Config

# prefix of tensor names: whose naming that is
_NAMINGS = {"model.": "Hugging Face's", "blk.": "GGUF's", "layers.": "Hugging Face's without `model.`"}
_RAW_HINT = "`apr inspect --raw` shows the container without the model"


@dataclass(frozen=True)
class Description:
    """What a model file says.

    Attributes:
        facts: names to JSON values, always the same names in the same order for one format.
        metadata: by key.
        tensors: each as a JSON object with name, type, shape, bytes, file, offset (of its first byte) and `stored`, the
            names that the file has it under.
    """

    facts: dict[str, Any]
    metadata: Mapping[str, Any]
    tensors: list[dict[str, Any]]

    def value(self, key: str, elements: int, characters: int) -> Any:
        """A value of the metadata as JSON, cut where it is long.

        Args:
            key: which.
            elements: of an array or an object that are kept; its length is given, too.
            characters: of a text that are kept.
        """
        peek = getattr(self.metadata, "peek", None)
        if peek is not None:
            try:
                length, first = peek(key, elements)
            except KeyError:
                pass
            else:
                return {"length": length, "first": [_shortened(value, elements, characters) for value in first]}
        return _shortened(self.metadata[key], elements, characters)


def _shortened(value: Any, elements: int, characters: int) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if isinstance(value, str) and len(value) > characters:
        return f"{value[:characters]}… ({len(value)} characters)"
    if isinstance(value, list):
        return {"length": len(value), "first": [_shortened(each, elements, characters) for each in value[:elements]]}
    if isinstance(value, dict):
        kept = list(value.items())[:elements]
        short = {str(key): _shortened(each, elements, characters) for key, each in kept}
        return short if len(kept) == len(value) else {"length": len(value), "first": short}
    return value


def describe(path: Path) -> Description:
    """A model, under GGUF's keys and names.

    Raises:
        UnusableInput: it is no model, or contradicts itself.
        UnsupportedModel: a format, version or tensor type that is not read here.
    """
    if _is_v1(path):
        return _describe_v1(path)
    try:
        file = open_model(path)
    except UnusableInput as error:
        if _container_opens(path):
            hint = f"{error.hint}; {_RAW_HINT}" if error.hint else _RAW_HINT
            raise type(error)(error.problem, where=error.where, hint=hint) from error
        raise
    facts = {
        "path": str(path),
        "format": file.format,
        "files": [{"path": str(each), "size": each.stat().st_size} for each in _files(file)],
        "architecture": file.metadata.get("general.architecture"),
        "name": file.metadata.get("general.name"),
        "parameters": sum(math.prod(tensor.shape) for tensor in file.tensors.values()),
        "types": _types((tensor.type_name, tensor.shape, tensor.nbytes) for tensor in file.tensors.values()),
        **_hyper_parameters(file),
        "tied": file.tied if isinstance(file, AprModel) else "output.weight" not in file.tensors,
        "tokenizer": _tokenizer(file),
        "container": _container(file),
    }
    return Description(facts, file.metadata, [_tensor(file, name) for name in file.tensors])


def describe_container(path: Path) -> Description:
    """A file as it stands, under its own keys and names; for formats but .apr these are the model's.

    Raises:
        UnusableInput: as `describe`, but for what makes a sound container no model.
    """
    if _is_v1(path):
        return _describe_v1(path)
    if path.is_dir() or not _first_bytes(path).startswith((b"APR", b"{")):
        return describe(path)
    file = open_apr(path)
    tensors = [
        {
            "name": tensor.name,
            "type": tensor.type_name,
            "shape": list(tensor.shape),
            "bytes": tensor.nbytes,
            "file": str(file.shard_of(tensor.name).path if isinstance(file, AprSet) else file.path),
            "offset": tensor.offset,
            "stored": [tensor.name],
        }
        for tensor in file.tensors.values()
    ]
    facts = {
        "path": str(path),
        "format": "apr",
        "files": [{"path": str(each.path), "size": each.size} for each in _shards(file)],
        "parameters": sum(math.prod(tensor.shape) for tensor in file.tensors.values()),
        "types": _types((tensor.type_name, tensor.shape, tensor.nbytes) for tensor in file.tensors.values()),
        "container": _apr_container(file),
    }
    return Description(facts, file.metadata, tensors)


def _first_bytes(path: Path) -> bytes:
    return map_file(path, "model")[:4]


def _is_v1(path: Path) -> bool:
    return not path.is_dir() and _first_bytes(path) == MAGIC_V1


def _describe_v1(path: Path) -> Description:
    about = describe_v1(path)
    facts = {
        "path": str(path),
        "format": "apr-v1",
        "files": [{"path": str(path), "size": path.stat().st_size}],
        "version": ".".join(map(str, about.version)),
        "model_type": about.model_type,
        "flags": [flag.name for flag in about.flags],
        "compression": about.compression,
        "metadata_size": about.metadata_size,
        "payload_size": about.payload_size,
        "uncompressed_size": about.uncompressed_size,
        "quality_score": about.quality_score,
        "checksum_matches": about.checksum_matches,
    }
    return Description(facts, about.metadata, [])


def _container_opens(path: Path) -> bool:
    try:
        return not path.is_dir() and _first_bytes(path).startswith((b"APR", b"{")) and bool(open_apr(path))
    except UnusableInput:
        return False


def _shards(file: AprFile | AprSet) -> tuple[AprFile, ...]:
    return file.shards if isinstance(file, AprSet) else (file,)


def _files(file: ModelFile) -> list[Path]:
    if isinstance(file, AprModel):
        return [shard.path for shard in _shards(file.file)]
    if isinstance(file, SplitGguf):
        return [part.path for part in file.parts]
    if isinstance(file, GgufFile):
        return [file.path]
    return [each.path for each in getattr(file, "files", ())]


def _types(tensors: Iterable[tuple[str, tuple[int, ...], int]]) -> list[dict[str, Any]]:
    """How many tensors, values and bytes there are of each type, the largest first."""
    found: dict[str, list[int]] = {}
    for type_name, shape, nbytes in tensors:
        sums = found.setdefault(type_name, [0, 0, 0])
        for index, amount in enumerate((1, math.prod(shape), nbytes)):
            sums[index] += amount
    ordered = sorted(found.items(), key=lambda item: (-item[1][2], item[0]))
    return [
        {"type": name, "tensors": count, "parameters": values, "bytes": nbytes}
        for name, (count, values, nbytes) in ordered
    ]


def _hyper_parameters(file: ModelFile) -> dict[str, Any]:
    """What the architecture reads, or why it cannot."""
    try:
        config = architecture_of(file).read(file)
    except UnusableInput as error:
        return {"hyper_parameters": None, "rope": None, "problem": str(error)}
    return {"hyper_parameters": _sizes(config), "rope": _rope(config), "problem": None}


def _sizes(config: Config) -> dict[str, Any]:
    sizes = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in {"architecture", "rope", "experts"}
    }
    return {**sizes, "experts": dataclasses.asdict(config.experts) if config.experts else None}


def _rope(config: Config) -> dict[str, Any]:
    rope = config.rope
    return {
        "kind": rope.kind,
        "theta": rope.theta,
        "dims": rope.dims,
        "scaling": "yarn" if rope.yarn else "llama3" if rope.divisors else "linear" if rope.factor != 1.0 else "none",
        "factor": rope.factor,
        "yarn": dataclasses.asdict(rope.yarn) if rope.yarn else None,
    }


def _tokenizer(file: ModelFile) -> dict[str, Any] | None:
    def length(key: str) -> int | None:
        if key not in file.metadata:
            return None
        peek = getattr(file.metadata, "peek", None)
        if peek is not None:
            try:
                return int(peek(key, 0)[0])
            except KeyError:
                return None
        value = file.metadata[key]
        return len(value) if isinstance(value, list) else None

    prefix = "tokenizer.ggml."
    if f"{prefix}tokens" not in file.metadata:
        return None
    return {
        "kind": file.metadata.get(f"{prefix}model"),
        "pre": file.metadata.get(f"{prefix}pre"),
        "tokens": length(f"{prefix}tokens"),
        "merges": length(f"{prefix}merges"),
        "bos": file.metadata.get(f"{prefix}bos_token_id"),
        "eos": file.metadata.get(f"{prefix}eos_token_id"),
        "chat_template": "tokenizer.chat_template" in file.metadata,
    }


def _container(file: ModelFile) -> dict[str, Any] | None:
    if isinstance(file, AprModel):
        return _apr_container(file.file)
    first = file.parts[0] if isinstance(file, SplitGguf) else file
    return {"version": first.version, "alignment": first.alignment} if isinstance(first, GgufFile) else None


def _apr_container(file: AprFile | AprSet) -> dict[str, Any]:
    header, footer = file.header, file.footer
    return {
        "version": ".".join(map(str, header.version)),
        "flags": [flag.name for flag in header.flags],
        "layout": str(file.layout),
        "naming": next(
            (naming for prefix, naming in _NAMINGS.items() if any(name.startswith(prefix) for name in file.tensors)),
            "not known",
        ),
        "metadata": {"offset": header.metadata_offset, "bytes": header.metadata_size},
        "tensor_index": {"offset": header.tensor_index_offset, "tensors": header.tensor_count},
        "tensor_data": {"offset": header.data_offset},
        "footer": "absent" if footer is None else f"{footer:#010x}, not verified: `apr validate` does",
    }


def _tensor(file: ModelFile, name: str) -> dict[str, Any]:
    tensor = file.tensors[name]
    place, offset, stored = _place(file, name)
    return {
        "name": name,
        "type": tensor.type_name,
        "shape": list(tensor.shape),
        "bytes": tensor.nbytes,
        "file": place,
        "offset": offset,
        "stored": stored,
    }


def _place(file: ModelFile, name: str) -> tuple[str | None, int | None, list[str]]:
    """File, offset and names of a tensor; what is computed from the metadata stands nowhere."""
    tensor: Any = file.tensors[name]
    if isinstance(file, AprModel):
        first = tensor.pieces[0]
        home = file.file.shard_of(first.stored) if isinstance(file.file, AprSet) else file.file
        names = [piece.stored for piece in tensor.pieces]
        return str(home.path), home.tensors[first.stored].offset + first.start, names
    if isinstance(file, SplitGguf):
        part = next(part for part in file.parts if name in part.tensors)
        return str(part.path), part.tensors[name].offset, [name]
    if isinstance(file, GgufFile):
        return str(file.path), tensor.offset, [name]
    pieces = getattr(tensor, "pieces", ())
    if not pieces:
        return None, None, []
    return str(pieces[0].file.path), pieces[0].stored.offset, [piece.name for piece in pieces]
