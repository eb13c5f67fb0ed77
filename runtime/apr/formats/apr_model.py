"""An .apr file as a model file: tensors under GGUF's names, metadata under GGUF's keys.

Two writers disagree about names, order of dimensions and types; `apr.formats.apr` tells them apart by flags and names. Here
their names become one, and the shapes say whether dimensions were taken in the right order: an embedding that is not
[vocab_size, hidden_size] refuses the file. What other readers of this format fill in is an error: a size that is missing, a head
that is missing though nobody says that it is tied, a tied head that is not a copy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr import Dtype, Layout, canonical, encoded_size, open_apr
from apr.formats.apr_keys import HEAD_DIM, MAKE_AGAIN, architecture_of, gguf_keys, rope_kind_of
from apr.formats.model_file import PADDED, ModelFile
from apr.formats.names import ARCHITECTURES, Place, place_of, resolve, spellings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from apr.formats.apr import AprFile, AprSet, AprTensor

EMBEDDING, HEAD = "token_embd.weight", "output.weight"
TIED = "tied_embeddings"
_ROWS_TOGETHER = frozenset({Dtype.APR_Q4, Dtype.APR_Q8})
_CHUNK = 1 << 24


class Piece(NamedTuple):
    """Whole rows of a tensor as the file stores it.

    Attributes:
        stored: its name in the file.
        start, nbytes: which of its bytes.
    """

    stored: str
    start: int
    nbytes: int


@dataclass(frozen=True)
class View:
    """A tensor under its GGUF name; see `apr.formats.model_file.Tensor`.

    Attributes:
        name: GGUF's.
        shape: outermost dimension first.
        type_name: `Q4_K`, `AprQ8`; ` padded` follows where rows were filled up to whole blocks.
        nbytes: of the encoded values, without padding between tensors.
        pieces: where its rows stand, one after the other.
    """

    name: str
    shape: tuple[int, ...]
    type_name: str
    nbytes: int
    pieces: tuple[Piece, ...]


class AprModel(ModelFile):
    """An .apr file, or a set of shards, opened as a model; made by `read_apr_model`.

    Attributes:
        file: the container.
        stated: its metadata under canonical .apr keys.
        value_types: GGUF's type of each metadata key, where the file keeps it.
        order: the source's order of tensors, by GGUF name; empty where the file does not keep it.
        tied: whether the head is the embedding.
    """

    format = "apr"

    def __init__(self, file: AprFile | AprSet) -> None:
        self.path, self.file = file.path, file
        self._where = f"{file.path}: metadata"
        self.stated: Mapping[str, Any] = canonical(file.metadata, self._where)
        keys = gguf_keys(self.stated, self._where)
        self.metadata, self.value_types, self.order = keys.values, keys.types, keys.tensors
        self._architecture = architecture_of(self.stated, self._where)
        self.rope_kind = rope_kind_of(
            self.stated, self._architecture, gguf_rows=file.layout is Layout.GGML, where=self._where
        )
        _check_stated_shapes(file)
        views = _views(file, self._architecture, self.stated)
        _check_orientation(views, self.stated, file.path)
        self.tied = self._is_tied(views)
        # the copy that a tied file holds of its embedding; whether it is one is seen when the embedding is first read
        self._copy = views.pop(HEAD, None) if self.tied else None
        self.tensors: Mapping[str, View] = views

    @property
    def sha256(self) -> str:
        """Hash of the file's bytes, 64 hex digits; over the shards' hashes where there are several."""
        return self.file.sha256

    def raw(self, name: str) -> NDArray[np.uint8]:
        """The encoded bytes of a tensor; a read-only view wherever the file has its rows in one piece.

        Raises:
            UnusableInput: there is no such tensor, or the file says that its head is tied and holds another.
        """
        view = self._view(name)
        if name == EMBEDDING:
            self._check_copy()
        rows = [self._rows(view, piece) for piece in view.pieces]
        whole = rows[0] if len(rows) == 1 else np.concatenate(rows)
        whole.flags.writeable = False
        return whole

    def matrix(self, name: str, index: int) -> NDArray[np.uint8]:
        """One matrix of a packed tensor; where experts stand apart, only this one is read."""
        view = self._view(name)
        if len(view.pieces) == 1:
            return super().matrix(name, index)
        return self._rows(view, view.pieces[index])

    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again."""
        for piece in self._view(name).pieces:
            self.file.release(piece.stored)

    def _view(self, name: str) -> View:
        view = self.tensors.get(name)
        if view is None:
            if self._architecture in ARCHITECTURES:
                resolve(self._architecture, name, (), self.path)
            raise UnusableInput(f"there is no tensor {name!r}", where=str(self.path))
        return view

    def _rows(self, view: View, piece: Piece) -> NDArray[np.uint8]:
        raw = self.file.raw(piece.stored)[piece.start : piece.start + piece.nbytes]
        together = self.file.tensors[piece.stored].dtype in _ROWS_TOGETHER
        return raw.reshape(1 if together else math.prod(view.shape[:-1]) // len(view.pieces), -1)

    def _is_tied(self, views: Mapping[str, View]) -> bool:
        """Whether the head is the embedding, as the file says and holds.

        Raises:
            UnusableInput: it says one thing and holds another, or says nothing and holds no head.
        """
        stated = self.file.metadata.get(TIED)
        where = f"{self._where}, $.{TIED}"
        if stated is not None and type(stated) is not bool:
            raise UnusableInput("is neither true nor false", where=where, hint=MAKE_AGAIN)
        if EMBEDDING not in views:
            return False  # whoever needs it says that it is missing
        if HEAD not in views:
            # in GGUF's layout a missing head is a tied one, as in GGUF
            if stated is False or (stated is None and self.file.layout is Layout.APR):
                says = "says that it has a head of its own" if stated is False else "does not say that its head is tied"
                tried = ", ".join(spellings(self._architecture, HEAD)) if self._architecture in ARCHITECTURES else HEAD
                raise UnusableInput(
                    f"is missing, and the file {says}; tried {tried}",
                    where=f"{self.path}: tensor {HEAD!r}",
                    hint="the file is incomplete: make it again with `apr import`",
                )
            return True
        if stated is not True:
            return False
        head, embedding = views[HEAD], views[EMBEDDING]
        if (head.shape, head.type_name) != (embedding.shape, embedding.type_name):
            raise UnusableInput(
                f"is true, but the head is {head.type_name} {list(head.shape)} and the embedding "
                f"{embedding.type_name} {list(embedding.shape)}",
                where=where,
                hint=MAKE_AGAIN,
            )
        return True

    def _check_copy(self) -> None:
        """Whether the tied head repeats the embedding's bytes; looked at once, and only when one of them is needed."""
        copy, self._copy = self._copy, None
        if copy is None:
            return
        stored = [self.file.raw(piece.stored) for view in (copy, self.tensors[EMBEDDING]) for piece in view.pieces]
        for start in range(0, stored[0].size, _CHUNK):
            part = slice(start, start + _CHUNK)
            if not np.array_equal(stored[0][part], stored[1][part]):
                self._copy = copy
                raise UnusableInput(
                    "is true, but the head's bytes are not the embedding's",
                    where=f"{self._where}, $.{TIED}",
                    hint="one of the two is damaged, or the head is no copy: make the file again",
                )
        self.file.release(copy.pieces[0].stored)


def read_apr_model(path: str | Path) -> AprModel:
    """Opens an .apr model: one file, or a sharded one by its manifest or by one of its shards.

    Raises:
        UnusableInput: not .apr, cut off, contradicting itself, a size or a tensor missing.
        UnsupportedModel: .apr of another version or kind, names that are not known, or what would need a guess.
    """
    return AprModel(open_apr(Path(path)))


def _refuse(path: Path, name: str, problem: str, *, unsupported: bool = False, hint: str = MAKE_AGAIN) -> UnusableInput:
    kind = UnsupportedModel if unsupported else UnusableInput
    return kind(problem, where=f"{path}: tensor {name!r}", hint=hint)


def _views(file: AprFile | AprSet, architecture: str, stated: Mapping[str, Any]) -> dict[str, View]:
    """Every tensor under its GGUF name."""
    placed = _placed(file, architecture)
    views: dict[str, View] = {}
    for name, found in placed.items():
        roles = {place.role for place, _ in found}
        if roles == {"expert"}:
            views[name] = _packed(file, name, found, stated)
        elif roles == {"whole"}:
            stored = found[0][1].name if len(found) == 1 else resolve(architecture, name, file.tensors, file.path)
            views[name] = _whole(file, name, file.tensors[stored])
        elif len(found) > 1:
            raise _refuse(file.path, name, f"is there under {len(found)} names: {', '.join(t.name for _, t in found)}")
    for name, found in placed.items():
        if found[0][0].role == "qkv":
            for part in _split(file, name, found[0][1], stated):
                if part.name in views:
                    raise _refuse(file.path, part.name, f"is there twice: alone, and within {found[0][1].name!r}")
                views[part.name] = part
    return views


def _placed(file: AprFile | AprSet, architecture: str) -> dict[str, list[tuple[Place, AprTensor]]]:
    """The file's tensors by GGUF name, a fused projection under its first part's."""
    placed: dict[str, list[tuple[Place, AprTensor]]] = {}
    for tensor in file.tensors.values():
        if file.layout is Layout.GGML:  # its names are GGUF's, whatever the architecture
            place = Place(tensor.name)
        else:
            try:
                place = place_of(architecture, tensor.name)
            except UnsupportedModel as error:
                where = f"{file.path}: tensor {tensor.name!r}"
                raise UnsupportedModel(error.problem, where=where, hint=error.hint) from error
        key = f"{place.name} fused" if place.role == "qkv" else place.name
        placed.setdefault(key, []).append((place, tensor))
    return placed


def _shape(file: AprFile | AprSet, tensor: AprTensor) -> tuple[int, ...]:
    """Outermost dimension first, whichever way the file counts."""
    return tensor.shape if file.layout is Layout.APR else tensor.shape[::-1]


def _type_name(file: AprFile | AprSet, tensor: AprTensor) -> str:
    # GGUF's layout never fills rows up, so a size that it would not take shows that this tensor's are
    shape = _shape(file, tensor)
    padded = encoded_size(tensor.dtype, shape[::-1], Layout.GGML) is None
    return f"{tensor.type_name}{PADDED}" if padded else tensor.type_name


def _whole(file: AprFile | AprSet, name: str, tensor: AprTensor) -> View:
    if tensor.dtype in _ROWS_TOGETHER and len(tensor.shape) > 2:
        problem = f"experts packed together in {tensor.type_name} cannot be read one by one"
        raise _refuse(file.path, tensor.name, problem, unsupported=True)
    piece = Piece(tensor.name, 0, tensor.nbytes)
    return View(name, _shape(file, tensor), _type_name(file, tensor), tensor.nbytes, (piece,))


def _packed(file: AprFile | AprSet, name: str, found: list[tuple[Place, AprTensor]], stated: Mapping[str, Any]) -> View:
    """Experts that stand apart, as one tensor [experts, rows, columns]."""
    by_index = {place.expert: tensor for place, tensor in found}
    count = stated.get("num_experts", 0)
    missing = [index for index in range(count) if index not in by_index]
    if missing or len(found) != count:
        problem = f"{len(found)} experts are there, $.num_experts says {count}"
        raise _refuse(file.path, name, f"{problem}; first missing {missing[0]}" if missing else problem)
    first = by_index[0]
    for tensor in by_index.values():
        if (tensor.dtype, tensor.shape) != (first.dtype, first.shape) or len(tensor.shape) != 2:
            raise _refuse(
                file.path,
                tensor.name,
                f"is {tensor.type_name} {list(tensor.shape)}, expert 0 is {first.type_name} {list(first.shape)}",
            )
    if first.dtype in _ROWS_TOGETHER:
        raise _refuse(file.path, first.name, f"experts in {first.type_name} cannot be packed", unsupported=True)
    shape = _shape(file, first)
    pieces = tuple(Piece(by_index[index].name, 0, first.nbytes) for index in range(count))
    return View(name, (count, *shape), _type_name(file, first), count * first.nbytes, pieces)


def _split(file: AprFile | AprSet, name: str, tensor: AprTensor, stated: Mapping[str, Any]) -> list[View]:
    """Query, key and value rows of a fused projection, weight or bias."""
    heads, kv_heads = stated["num_heads"], stated["num_kv_heads"]
    head_dim = stated.get(HEAD_DIM, stated["hidden_size"] // heads)
    widths = {"q": heads * head_dim, "k": kv_heads * head_dim, "v": kv_heads * head_dim}
    shape = _shape(file, tensor)
    if not shape or shape[0] != sum(widths.values()):
        raise _refuse(
            file.path,
            tensor.name,
            f"has {shape[0] if shape else 0} rows; {heads} query and {kv_heads} key heads of {head_dim} need {sum(widths.values())}",
        )
    if tensor.dtype in _ROWS_TOGETHER:
        raise _refuse(
            file.path, tensor.name, f"a fused projection in {tensor.type_name} cannot be split", unsupported=True
        )
    block, _, kind = name.removesuffix(" fused").rpartition("attn_q.")
    views, start = [], 0
    for part, rows in widths.items():
        nbytes = tensor.nbytes // shape[0] * rows
        piece = Piece(tensor.name, start, nbytes)
        views.append(View(f"{block}attn_{part}.{kind}", (rows, *shape[1:]), _type_name(file, tensor), nbytes, (piece,)))
        start += nbytes
    return views


def _check_stated_shapes(file: AprFile | AprSet) -> None:
    """Where the metadata repeats the tensors' shapes, it repeats those of the index."""
    stated = file.metadata.get("tensor_shapes")
    if type(stated) is not dict:
        return
    for name, shape in stated.items():
        tensor = file.tensors.get(name)
        if tensor is not None and shape != list(tensor.shape):
            raise _refuse(
                file.path, name, f"has shape {list(tensor.shape)} in the index and {shape} in $.tensor_shapes"
            )


def _check_orientation(views: Mapping[str, View], stated: Mapping[str, Any], path: Path) -> None:
    """Embedding and head are [vocab_size, hidden_size]: whoever mixes up the order of dimensions is caught here."""
    expected = (stated["vocab_size"], stated["hidden_size"])
    for name in (EMBEDDING, HEAD):
        view = views.get(name)
        if view is None or view.shape == expected:
            continue
        turned = view.shape == expected[::-1]
        raise UnusableInput(
            f"has shape {list(view.shape)}, vocab_size and hidden_size ask for {list(expected)}",
            where=f"{path}: tensor {view.pieces[0].stored!r}",
            hint="its dimensions are in the other writer's order: flags and names contradict them"
            if turned
            else MAKE_AGAIN,
        )
