"""A model in a folder as Hugging Face's transformers writes it: config.json beside safetensors files, one or several."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UnusableInput
from apr.formats import hf_config
from apr.formats.files import file_sha256
from apr.formats.hf_json import Json, read_object
from apr.formats.hf_tokenizer import tokenizer_keys
from apr.formats.hf_weights import HfTensor, gguf_tensors
from apr.formats.model_file import ModelFile, Tensor, Value
from apr.formats.safetensors_file import SafetensorsFile, read_safetensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
_FREQUENCIES = "rope_freqs.weight"


class _Metadata(Mapping[str, Value]):
    """Keys from config.json, and those of the tokenizer, whose large file is read when the first of them is asked for."""

    def __init__(self, folder: Path, config: hf_config.HfConfig) -> None:
        self._folder, self._config = folder, config

    @cached_property
    def _all(self) -> dict[str, Value]:
        return self._config.metadata | tokenizer_keys(self._folder, self._config.json, self._config.vocabulary)

    def _keys(self, key: object) -> dict[str, Value]:
        return self._all if isinstance(key, str) and key.startswith("tokenizer.") else self._config.metadata

    def __getitem__(self, key: str) -> Value:
        return self._keys(key)[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class _Made:
    """A tensor that no file holds: float32 numbers computed from config.json."""

    type_name = "F32"

    def __init__(self, name: str, numbers: NDArray[np.float32]) -> None:
        self.name, self.shape, self.nbytes = name, numbers.shape, numbers.nbytes
        self.numbers = numbers


class HfFolder(ModelFile):
    """A folder in Hugging Face's layout; made by `read_hf`.

    Attributes:
        path: of the folder.
        config: config.json.
        files: the safetensors files, sorted by name.
        metadata: under GGUF's keys.
        tensors: under GGUF's names, a llama's queries and keys in GGUF's row order, single experts as one packed tensor.
        tokenizer_json, tokenizer_config: paths of these files, None where there is none.
    """

    format = "safetensors"

    def __init__(self, path: Path, config: hf_config.HfConfig, files: list[SafetensorsFile]) -> None:
        self.path, self.config, self.files = path, config, files
        self.metadata: Mapping[str, Value] = _Metadata(path, config)
        self._stored = gguf_tensors(config, files)
        self._made: dict[str, _Made] = {}
        if config.divisors is not None:
            self._made[_FREQUENCIES] = _Made(_FREQUENCIES, config.divisors)
        self.tensors: Mapping[str, Tensor] = {**self._stored, **self._made}
        self.tokenizer_json, self.tokenizer_config = (_present(path / name) for name in _TOKENIZER[:2])

    def raw(self, name: str) -> NDArray[np.uint8]:
        """The encoded bytes of a tensor, read-only; rows that GGUF orders otherwise and packed experts are copied.

        Returns:
            uint8 [rows, bytes a row]; rows is the product of all dimensions but the innermost.

        Raises:
            UnusableInput: there is no such tensor.
        """
        if name in self._made:
            return self._made[name].numbers[None].view(np.uint8)
        return self._tensor(name).raw()

    def matrix(self, name: str, index: int) -> NDArray[np.uint8]:
        """The encoded bytes of one expert's matrix, read-only; the others are not read.

        Returns:
            uint8 [rows, bytes a row]
        """
        return self._tensor(name).raw(index)

    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again."""
        if name not in self._made:
            for piece in self._tensor(name).pieces:
                piece.file.release(piece.name)

    @cached_property
    def sha256(self) -> str:
        """Hash of names and hashes of the files that make the model and its tokenizer, sorted by name; 64 hex digits."""
        others = (hf_config.NAME, INDEX, *_TOKENIZER)
        paths = {file.path for file in self.files} | {self.path / name for name in others if _present(self.path / name)}
        digest = hashlib.sha256()
        for path in sorted(paths):
            digest.update(f"{path.name}\0{file_sha256(path)}\n".encode())
        return digest.hexdigest()

    def _tensor(self, name: str) -> HfTensor:
        tensor = self._stored.get(name)
        if tensor is None:
            raise UnusableInput(f"there is no tensor {name!r}", where=str(self.path))
        return tensor


def read_hf(path: str | Path) -> HfFolder:
    """Opens a folder in Hugging Face's layout: reads config.json, the index and the headers, and maps the tensor data.

    Raises:
        UnusableInput: a file is missing, damaged, or contradicts another; the message names file and place.
        UnsupportedModel: another model type, dtype or tensor name, or a feature that is not built here.
    """
    path = Path(path)
    config = hf_config.read_config_json(path)
    return HfFolder(path, config, _weights(path))


def _weights(folder: Path) -> list[SafetensorsFile]:
    """The safetensors files of a folder, sorted by name.

    Raises:
        UnusableInput: there is none, or index and files contradict each other.
    """
    single, index = folder / SINGLE, folder / INDEX
    places = _weight_map(folder, read_object(index)) if index.exists() else {}
    if single.exists() and set(places.values()) <= {SINGLE}:
        shards = [single]
    elif single.exists():
        raise UnusableInput(
            f"holds {SINGLE} beside an index of other files",
            where=str(folder),
            hint="which of them counts is not known: remove one",
        )
    elif places:
        shards = [folder / name for name in sorted(set(places.values()))]
    else:
        raise UnusableInput(
            f"has neither {SINGLE} nor {INDEX}",
            where=str(folder),
            hint="pickled weights (.bin) are not read: save them again with transformers' save_pretrained",
        )
    files = [read_safetensors(shard) for shard in shards]
    if places:
        _check_index(index, places, files)
    return files


def _weight_map(folder: Path, content: dict[str, Any]) -> dict[str, str]:
    """Which file holds a tensor, by the tensor's name; every file lies in this very folder."""
    stated = Json(folder / INDEX, content).object("weight_map")
    if stated is None or not stated.content:
        raise UnusableInput("is missing or empty", where=f"{folder / INDEX}: $.weight_map")
    for tensor, name in stated.content.items():
        if type(name) is not str or not name.endswith(".safetensors"):
            raise UnusableInput(f"is {name!r}, no name of a safetensors file", where=stated.where(tensor))
        if Path(name).name != name or "\\" in name or "\0" in name:
            raise UnusableInput(f"is {name!r}, which points outside of the folder", where=stated.where(tensor))
    return dict(stated.content)


def _check_index(index: Path, places: Mapping[str, str], files: list[SafetensorsFile]) -> None:
    """The index lists every tensor of every file, and where it is."""
    for file in files:
        for name in file.tensors:
            if places.get(name) != file.path.name:
                said = f"the index has it in {places[name]}" if name in places else "the index does not have it"
                raise UnusableInput(said, where=f"{file.path}: tensor {name!r}")
    held = {name for file in files for name in file.tensors}
    for name, place in places.items():
        if name not in held:
            raise UnusableInput(f"{place} does not hold it", where=f"{index}: $.weight_map.{name}")


def _present(path: Path) -> Path | None:
    return path if path.is_file() else None
