"""Faults of converters and of what they rest on: names, layouts, encodings. Most were real defects of such programs once.

Each replaces one function or method; whoever plants it takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.convert import exporting, importing, numbers, row_order
from apr.convert.options import Floats
from apr.errors import UnusableInput
from apr.formats import apr as container
from apr.formats import apr_model, names
from apr.formats.apr import header
from apr.quant import apr_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from apr.formats.apr_model import View

    # object, attribute, new value; as pytest's monkeypatch.setattr
    Setter = Callable[[Any, str, Any], None]
    Plant = Callable[[Setter], None]


@dataclass(frozen=True)
class ConversionMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found: a tensor's name within its block, a metadata key, or a part of the program.
        plant: puts it into the running process.
    """

    name: str
    fault: str
    stage: str
    layer: int | None
    plant: Plant


# What the importer hands to the writer: name, type, shape as stored, bytes in pieces.
_Tensor = tuple[str, Any, tuple[int, ...], Any]


def _written(change: Callable[[_Tensor], _Tensor | None]) -> Plant:
    """Other tensors in the .apr file, or one less."""

    def plant(put: Setter) -> None:
        sound = vars(importing)["write_apr"]

        def write_apr(path: Any, metadata: Any, tensors: list[_Tensor], **options: Any) -> Any:
            return sound(path, metadata, [t for t in map(change, tensors) if t is not None], **options)

        put(importing, "write_apr", write_apr)

    return plant


def _with_data(name: str, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Plant:
    """Other bytes in one tensor of the .apr file."""

    def changed(tensor: _Tensor) -> _Tensor:
        return (*tensor[:3], change(_whole(tensor[3]))) if tensor[0] == name else tensor

    return _written(changed)


def _whole(pieces: Iterator[NDArray[Any]]) -> NDArray[np.uint8]:
    return np.concatenate([np.ascontiguousarray(piece).view(np.uint8).reshape(-1) for piece in pieces])


def _dims_kept(tensor: _Tensor) -> _Tensor:
    name, dtype, shape, data = tensor
    return (name, dtype, shape[::-1], data) if len(shape) > 1 else tensor


def _head_turned(tensor: _Tensor) -> _Tensor:
    name, dtype, shape, data = tensor
    return (name, dtype, shape[::-1], data) if name in {"lm_head.weight", "output.weight"} else tensor


def _norms_as_matrices(tensor: _Tensor) -> _Tensor:
    name, dtype, shape, data = tensor
    return (name, dtype, (1, *shape), data) if "norm" in name else tensor


def _transposed(tensor: _Tensor) -> _Tensor:
    name, dtype, shape, data = tensor
    if len(shape) != 2 or dtype.type_name != "F16":
        return tensor
    return name, dtype, shape, np.ascontiguousarray(_whole(data).view("<f2").reshape(shape).T)


def _rounded_norms(tensor: _Tensor) -> _Tensor:
    name, dtype, shape, data = tensor
    return (name, dtype, shape, _whole(data).view("<f4").astype("<f2").astype("<f4")) if "norm" in name else tensor


def _without(name: str) -> Plant:
    return _written(lambda tensor: None if tensor[0] == name else tensor)


def _replaced(owner: Any, attribute: str, value: Any) -> Plant:
    return lambda put: put(owner, attribute, value)


def _wrapped(owner: Any, attribute: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Plant:
    """A function or method that calls the sound one."""
    return lambda put: put(owner, attribute, wrap(getattr(owner, attribute)))


def _keys_and_values_swapped(sound: Callable[..., list[View]]) -> Callable[..., list[View]]:
    def split(*arguments: Any) -> list[View]:
        q, k, v = sound(*arguments)
        return [q, replace(k, pieces=v.pieces), replace(v, pieces=k.pieces)]

    return split


def _experts_as_text(sound: Callable[..., View]) -> Callable[..., View]:
    def packed(*arguments: Any) -> View:
        view = sound(*arguments)
        return replace(view, pieces=tuple(sorted(view.pieces)))

    return packed


def _flat(sound: Callable[..., int | None]) -> Callable[..., int | None]:
    def encoded_size(dtype: Any, shape: tuple[int, ...], layout: Any) -> int | None:
        return sound(dtype, (int(np.prod(shape)),), layout)

    return encoded_size


def _named_as(wrong: Callable[[str], str]) -> Plant:
    """A tensor goes by the names of another."""
    return _wrapped(names, "spellings", lambda sound: lambda architecture, name: sound(architecture, wrong(name)))


def _spelled(change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Plant:
    return _wrapped(names, "spellings", lambda sound: lambda *arguments: change(sound(*arguments)))


def _first_name_wins(put: Setter) -> None:
    def resolve(architecture: str, name: str, present: Any, _file: object = None) -> str:
        return next(spelling for spelling in names.spellings(architecture, name) if spelling in set(present))

    for module in (names, apr_model):
        put(module, "resolve", resolve)


def _says_little(sound: Callable[..., str]) -> Callable[..., str]:
    def resolve(architecture: str, name: str, *rest: Any) -> str:
        try:
            return sound(architecture, name, *rest)
        except UnusableInput as error:
            raise UnusableInput(f"is missing; tried {names.hf_name(architecture, name)}") from error

    return resolve


def _any_prefix(sound: Callable[..., Any]) -> Callable[..., Any]:
    def place_of(architecture: str, name: str) -> Any:
        while name.startswith("model.model."):
            name = name.removeprefix("model.")
        return sound(architecture, name)

    return place_of


def _exported(change: Callable[[str, dict[str, Any]], None]) -> Plant:
    """Other metadata in the GGUF file; by key, value and type."""

    def wrap(sound: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def metadata(self: Any, done: Any) -> dict[str, Any]:
            found = sound(self, done)
            change(self.file.architecture, found)
            return found

        return metadata

    return _wrapped(exporting.Export, "_metadata", wrap)


def _saying(key: str, value: Any) -> Plant:
    def change(architecture: str, found: dict[str, Any]) -> None:
        found[f"{architecture}.{key}"] = value, found[f"{architecture}.{key}"][1]

    return _exported(change)


def _guess_heads(architecture: str, found: dict[str, Any]) -> None:
    """The first of a list of usual numbers that divides the hidden dimensions."""
    hidden = found[f"{architecture}.embedding_length"][0]
    guess = next(heads for heads in (32, 24, 16, 12, 8, 4, 1) if hidden % heads == 0)
    found[f"{architecture}.attention.head_count"] = guess, "uint32"


def _drop(*endings: str) -> Plant:
    def change(_architecture: str, found: dict[str, Any]) -> None:
        for key in [key for key in found if key.endswith(endings)]:
            del found[key]

    return _exported(change)


def _widen(_architecture: str, found: dict[str, Any]) -> None:
    for key, (value, kind) in found.items():
        found[key] = value, "uint64" if kind == "uint32" else kind


def _one_bit(sound: Callable[..., Iterator[NDArray[np.uint8]]]) -> Callable[..., Iterator[NDArray[np.uint8]]]:
    def pieces(self: Any, tensor: Any) -> Iterator[NDArray[np.uint8]]:
        for index, piece in enumerate(sound(self, tensor)):
            if tensor.name == "blk.1.ffn_down.weight" and index == 0:
                changed = np.array(piece)
                changed[0, 0] ^= 1  # of the first block's scale, or its first code
                yield changed
            else:
                yield piece

    return pieces


def _always_floats(sound: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, file: Any, dequantise: Floats | None = None) -> None:
        sound(self, file, dequantise or Floats.F32)

    return init


def _through_f16(sound: Callable[..., NDArray[np.float32]]) -> Callable[..., NDArray[np.float32]]:
    return lambda *arguments: sound(*arguments).astype(np.float16).astype(np.float32)


def _q4_halves_apart(sound: Callable[..., NDArray[np.uint8]]) -> Callable[..., NDArray[np.uint8]]:
    """Elements 0 to 15 in the low nibbles, as ggml's Q4_0 has them."""

    def encode(values: NDArray[np.float32], where: str = "tensor") -> NDArray[np.uint8]:
        filled = np.zeros((-(-values.size // 32), 2, 16), np.float32)
        filled.reshape(-1)[: values.size] = values.reshape(-1)
        return sound(filled.swapaxes(1, 2), where)

    return encode


def _half_to_even(values: NDArray[np.float32], scales: NDArray[np.float32], low: int, high: int) -> NDArray[np.float32]:
    return np.asarray(np.clip(np.rint(values / scales), low, high), np.float32)


_ALL = [
    # layout
    ConversionMutant("dims-not-reversed", "matrices keep GGUF's order of dimensions", "attn_k.weight", 0, _written(_dims_kept)),
    ConversionMutant("head-turned-round", "the head is [hidden, vocabulary]", "output.weight", None, _written(_head_turned)),
    ConversionMutant("norm-as-matrix", "norms get a second dimension", "attn_norm.weight", 0, _written(_norms_as_matrices)),
    ConversionMutant("data-transposed", "numbers of matrices are transposed on import", "attn_k.weight", 0, _written(_transposed)),
    ConversionMutant("norms-rounded", "norms go through float16", "attn_norm.weight", 0, _written(_rounded_norms)),
    ConversionMutant("tensor-zero-filled", "layer 1's up projection is zeros", "ffn_up.weight", 1,
                     _with_data("model.layers.1.mlp.up_proj.weight", np.zeros_like)),
    ConversionMutant("norm-of-ones", "layer 1's feed-forward norm is ones", "ffn_norm.weight", 1,
                     _with_data("model.layers.1.post_attention_layernorm.weight",
                                lambda raw: np.ones(raw.size // 4, "<f4").view(np.uint8))),
    ConversionMutant("head-zeroed", "the head is zeros", "lm_head", None, _with_data("lm_head.weight", np.zeros_like)),
    ConversionMutant("blocks-counted-flat", "blocks are counted over the tensor, not row by row", "Q4_K", None,
                     _wrapped(container, "encoded_size", _flat)),
    ConversionMutant("order-of-dims-believed", "nobody looks whether shapes fit the sizes", "token_embd.weight", None,
                     _replaced(apr_model, "_check_orientation", lambda *_: None)),
    ConversionMutant("stated-shapes-unread", "shapes in the metadata are not compared", "ffn_down.weight", 0,
                     _replaced(apr_model, "_check_stated_shapes", lambda *_: None)),
    ConversionMutant("fused-k-and-v-swapped", "a fused projection is taken for q, v, k", "attn_k.bias", 0,
                     _wrapped(apr_model, "_split", _keys_and_values_swapped)),
    ConversionMutant("experts-in-order-of-text", "expert 10 comes before expert 2", "ffn_down_exps.weight", 0,
                     _wrapped(apr_model, "_packed", _experts_as_text)),
    ConversionMutant("column-major-believed", "a column-major file is read as if it were row major", "LAYOUT_COLUMN_MAJOR", None,
                     lambda put: put(header, "UNREADABLE", {flag: why for flag, why in header.UNREADABLE.items()
                                                            if flag is not header.Flags.LAYOUT_COLUMN_MAJOR})),
    ConversionMutant("empty-tensors-encoded", "a tensor of which nothing is left is encoded", "AprQ4", None,
                     _replaced(apr_blocks, "_refuse_empty", lambda *_: None)),
    ConversionMutant("nan-encoded-as-zero", "NaN becomes zero", "AprQ8", None,
                     _replaced(apr_blocks, "_finite", lambda values, _where: np.nan_to_num(values).reshape(-1))),
    # names
    ConversionMutant("k-named-q", "keys go by the names of queries", "attn_k.weight", 0,
                     _named_as(lambda name: name.replace("attn_k.", "attn_q."))),
    ConversionMutant("gguf-name-first", "GGUF's name is tried before Hugging Face's", "resolution order", None,
                     _spelled(lambda found: (*found[1:2], *found[:1], *found[2:]))),
    ConversionMutant("only-one-name-told", "the error names the first name that was tried", "error", None,
                     _wrapped(names, "resolve", _says_little)),
    ConversionMutant("unknown-is-a-llama", "an unknown architecture gets a llama's names", "gemma2", None,
                     _wrapped(names, "names_of",
                              lambda sound: lambda name: sound(name if name in names.ARCHITECTURES else "llama"))),
    ConversionMutant("any-prefix", "`model.` may stand in front twice", "model.model.", None, _wrapped(names, "place_of", _any_prefix)),
    ConversionMutant("first-name-wins", "of two names of a tensor the first is taken", "attn_q.weight", 0,
                     _first_name_wins),
    ConversionMutant("model-prefix-twice", "names are written with `model.` twice", "token_embd.weight", None,
                     _spelled(lambda found: (f"model.{found[0]}", *found[1:]))),
    # parity
    ConversionMutant("weave-for-unweave", "rows are woven together where they should be taken apart", "neox", None,
                     _wrapped(row_order, "reordered", lambda sound: lambda rows, heads, _kind: sound(rows, heads, "norm"))),
    ConversionMutant("tensor-lost", "the last norm is not written", "output_norm.weight", None, _without("model.norm.weight")),
    ConversionMutant("dequantised-to-halves", "numbers are rounded to float16 on the way", "ffn_down.weight", 0,
                     _wrapped(numbers, "by_gguf", _through_f16)),
    ConversionMutant("q8-scale-128", "AprQ8's scale is the greatest magnitude / 128", "AprQ8", None,
                     _wrapped(apr_blocks, "_scales", lambda sound: lambda greatest, steps: sound(greatest, 128 if steps == 127 else steps))),
    ConversionMutant("q4-halves-apart", "AprQ4's nibbles stand as ggml's Q4_0 has them", "AprQ4", None,
                     _wrapped(apr_blocks, "encode_apr_q4", _q4_halves_apart)),
    ConversionMutant("ties-to-even", "quotients are rounded half to even", "AprQ4", None,
                     _replaced(apr_blocks, "_quotients", _half_to_even)),
    # export
    ConversionMutant("order-by-name", "tensors are written in the order of their names", "tensor order", None,
                     _wrapped(exporting.Export, "_order", lambda sound: lambda self: sorted(sound(self)))),
    ConversionMutant("heads-guessed", "the number of heads is the first usual one that divides", "attention.head_count", None,
                     _exported(_guess_heads)),
    ConversionMutant("epsilon-hard-coded", "epsilon is 1e-5 in every file", "attention.layer_norm_rms_epsilon", None,
                     _saying("attention.layer_norm_rms_epsilon", float(np.float32(1e-5)))),
    ConversionMutant("theta-hard-coded", "theta is 10000 in every file", "rope.freq_base", None, _saying("rope.freq_base", 10000.0)),
    ConversionMutant("head-dim-dropped", "the width of heads is not written", "attention.key_length", None,
                     _drop("attention.key_length", "attention.value_length")),
    ConversionMutant("tokenizer-dropped", "the tokenizer is not written", "tokenizer.ggml.tokens", None, _drop("ggml.tokens")),
    ConversionMutant("types-widened", "whole numbers are written as uint64", "block_count", None, _exported(_widen)),
    ConversionMutant("export-one-bit", "one bit of layer 1's down projection differs", "ffn_out", 1,
                     _wrapped(exporting.Export, "_bytes", _one_bit)),
    ConversionMutant("rows-not-moved", "rows stay in checkpoint order", "attn_k.weight", 0,
                     _replaced(exporting.Export, "_moved_rows", lambda _self: {})),
    ConversionMutant("silently-dequantised", "types that GGUF does not have become F32 unasked", "refusal", None,
                     _wrapped(exporting.Export, "__init__", _always_floats)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
