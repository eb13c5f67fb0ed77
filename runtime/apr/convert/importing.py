"""A model of any format as an .apr file, in either of the two layouts in circulation."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.convert.apr_plan import ImportOptions, Planned, encoded, plan_tensors
from apr.convert.evidence import check_model, check_tokenizer
from apr.convert.sharding import shard_metadata, shard_paths, write_manifest
from apr.convert.stated import FILE_TYPE, as_stored, describe, identical
from apr.convert.tokenizer_from import TokenizerKeys, WithTokenizer
from apr.errors import UsageError
from apr.formats.apr import Dtype, Flags, Layout, Spelling, canonical, dump_metadata, write_apr
from apr.formats.apr.manifest import MAX_SHARDS
from apr.formats.apr.metadata import parse_metadata
from apr.formats.apr_keys import gguf_keys
from apr.formats.apr_model import HEAD, TIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

# layout ggml is realizar's: sizes under the keys of Hugging Face's config.json
_HF_KEYS = {
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
}
# bits a number, values a block (0: the whole tensor), no minimum
_QUANTISED = {
    Dtype.Q4_0: (4, 32, True),
    Dtype.Q4_1: (4, 32, False),
    Dtype.Q5_0: (5, 32, True),
    Dtype.Q5_1: (5, 32, False),
    Dtype.Q8_0: (8, 32, True),
    Dtype.Q2_K: (2, 256, False),
    Dtype.Q3_K: (3, 256, True),
    Dtype.Q4_K: (4, 256, False),
    Dtype.Q5_K: (5, 256, False),
    Dtype.Q6_K: (6, 256, True),
    Dtype.APR_Q4: (4, 32, True),
    Dtype.APR_Q8: (8, 0, True),
}


@dataclass
class Imported:
    """What was made.

    Attributes:
        path: of the file.
        nbytes: its size.
        tensors: how many are in it.
        kept: types that were left byte for byte as they were, with counts.
        changed: `Q5_0 to F32` and the like, with counts.
        tied: whether the head is the embedding.
        shards: the files of a model in several, whose manifest `path` is then.
    """

    path: Path
    nbytes: int
    tensors: int
    kept: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    tied: bool = False
    shards: tuple[Path, ...] = ()


class Import:
    """One conversion, checked and planned, so that its size is known before it starts.

    Args:
        file: the model.
        options: what is to be made.
        tokenizer: instead of the model's own, see `read_tokenizer`.

    Raises:
        UnusableInput: the model is incomplete, contradicts itself, or has no tokenizer.
        UnsupportedModel: an architecture that is not known, or a type that the layout does not have.
    """

    def __init__(
        self, file: ModelFile, options: ImportOptions | None = None, tokenizer: TokenizerKeys | None = None
    ) -> None:
        self.file = file if tokenizer is None else WithTokenizer(file, tokenizer)
        self.options = options or ImportOptions()
        check_model(self.file)
        check_tokenizer(self.file)
        self.tied = HEAD not in file.tensors
        self.planned: Sequence[Planned] = plan_tensors(self.file, self.options)

    @property
    def nbytes(self) -> int:
        """Of the tensor data that will be written."""
        return sum(tensor.nbytes for tensor in self.planned)

    def write(self, path: str | Path, advance: Callable[[int], None] = lambda _nbytes: None) -> Imported:
        """Writes the .apr file; it appears complete or not at all.

        Bytes of types that the layout has are copied. Before anything is written, the metadata is read back and has to give
        every key of the source with the same bits.

        Args:
            path: of the .apr file.
            advance: is told bytes as they are written.

        Raises:
            UsageError: the file cannot be written.
            UnusableInput, UnsupportedModel: numbers that the new type cannot hold, or that cannot be decoded.
        """
        path = Path(path)
        done, metadata = self._prepare(path)
        done.nbytes = self._write_file(path, metadata, self.planned, advance)
        return done

    def shards(self, limit: int) -> list[Sequence[Planned]]:
        """The tensors in shares of at most so many bytes, in order; a larger tensor is alone in its share.

        Raises:
            UsageError: of a layout that comes in one file, or into more shards than are read.
        """
        if self.options.layout is not Layout.APR:
            raise UsageError("files in layout gguf are not split", hint="use --layout hf, or leave --shard-size out")
        shares: list[list[Planned]] = []
        filled = 0
        for tensor in self.planned:
            if not shares or filled + tensor.nbytes > limit:
                shares.append([])
                filled = 0
            shares[-1].append(tensor)
            filled += tensor.nbytes
        if len(shares) > MAX_SHARDS:
            raise UsageError(
                f"{len(shares)} shards of {limit} bytes; at most {MAX_SHARDS} are read", hint="choose larger ones"
            )
        return list(shares)

    def write_shards(
        self, path: str | Path, limit: int, advance: Callable[[int], None] = lambda _nbytes: None
    ) -> Imported:
        """Writes the model as several files and their manifest, see `shard_paths`; none is left if one fails.

        The first shard carries the metadata; the others say which they are, and their tensors' shapes.

        Args:
            path: that the names are made from.
            limit: bytes of tensors in a shard.
            advance: is told bytes as they are written.

        Raises:
            UsageError: see `shards`; a file cannot be written.
            UnusableInput, UnsupportedModel: see `write`.
        """
        shares = self.shards(limit)
        *paths, manifest = shard_paths(Path(path), len(shares))
        done, metadata = self._prepare(manifest)
        written: list[tuple[Path, int]] = []
        try:
            for index, (target, share) in enumerate(zip(paths, shares, strict=True)):
                own = shard_metadata(metadata, share, Path(path), index, len(shares), self.nbytes)
                written.append((target, 0))
                written[-1] = target, self._write_file(target, own, share, advance, Flags.SHARDED)
            write_manifest(manifest, list(zip(paths, shares, strict=True)), [size for _, size in written])
        except BaseException:
            for target, _ in written:
                target.unlink(missing_ok=True)
            raise
        done.nbytes, done.shards = sum(size for _, size in written), tuple(paths)
        return done

    def _prepare(self, path: Path) -> tuple[Imported, dict[str, Any]]:
        """What will have been done, and the metadata, proved."""
        done = Imported(path, 0, len(self.planned), tied=self.tied)
        for tensor in self.planned:
            before = self.file.tensors[tensor.source].type_name
            if before == tensor.dtype:
                done.kept[before] += 1
            else:
                done.changed[f"{before} to {tensor.dtype}"] += 1
        metadata = self._metadata(types_changed=bool(done.changed))
        _prove(self.file, metadata, self._spelling, types_changed=bool(done.changed))
        return done, metadata

    @property
    def _spelling(self) -> Spelling:
        return Spelling.CURRENT if self.options.layout is Layout.APR else Spelling.GIVEN

    def _write_file(
        self,
        path: Path,
        metadata: Mapping[str, Any],
        planned: Sequence[Planned],
        advance: Callable[[int], None],
        flags: Flags = Flags.NONE,
    ) -> int:
        native = self.options.layout is Layout.APR
        flags |= Flags.LAYOUT_ROW_MAJOR if native else Flags.QUANTIZED
        if any(tensor.dtype in _QUANTISED for tensor in planned):
            flags |= Flags.QUANTIZED

        def data(tensor: Planned) -> Iterator[NDArray[Any]]:
            for piece in encoded(self.file, tensor):
                yield piece
                advance(piece.nbytes)

        return write_apr(
            path,
            metadata,
            [(t.name, t.dtype, t.shape if native else t.shape[::-1], data(t)) for t in planned],
            flags=flags,
            spelling=self._spelling,
            footer=native,
        )

    def _metadata(self, *, types_changed: bool) -> dict[str, Any]:
        """All keys, under the names that the layout's own writer gives them."""
        stated = describe(self.file, types_changed=types_changed)
        # a copied head is no parameter of its own
        own = {tensor.source: tensor for tensor in self.planned}.values()
        stated["total_size"] = self.nbytes
        stated["param_count"] = sum(math.prod(tensor.shape) for tensor in own)
        stated |= _quantization(self.planned)
        if self.options.layout is Layout.GGML:
            stated["model_type"] = "transformer_lm_q4k"
            return {_HF_KEYS.get(key, key): value for key, value in stated.items()}
        stated["model_type"] = self.file.architecture
        stated["tensor_shapes"] = {tensor.name: list(tensor.shape) for tensor in self.planned}
        return stated | ({TIED: True} if self.tied else {})


def _quantization(planned: Sequence[Planned]) -> dict[str, Any]:
    """The type that most bytes of matrices have, where it is a quantised one."""
    sizes: Counter[Dtype] = Counter()
    for tensor in planned:
        sizes[tensor.dtype] += tensor.nbytes
    most = sizes.most_common(1)[0][0]
    if most not in _QUANTISED:
        return {}
    bits, block, symmetric = _QUANTISED[most]
    return {"quantization": {"quant_type": str(most), "bits": bits, "block_size": block, "symmetric": symmetric}}


def _prove(file: ModelFile, metadata: Mapping[str, Any], spelling: Spelling, *, types_changed: bool) -> None:
    """Reads the metadata back from the bytes that will be written.

    Raises:
        AssertionError: a key of the source would be lost or changed, which is a bug here.
    """
    written = parse_metadata(dump_metadata(metadata, spelling), Path("metadata to write"))
    found = gguf_keys(canonical(written), "metadata to write").values
    for key in file.metadata:
        if types_changed and key == FILE_TYPE:
            continue
        if key not in found or not identical(found[key], as_stored(file, key)[0]):
            raise AssertionError(f"metadata key {key!r} of {file.path} would not come back")
