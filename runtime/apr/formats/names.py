"""Names of tensors: GGUF's, and those of Hugging Face in the spellings that .apr files have.

One tensor goes by up to four names. For the query projection of layer 3 they are, in the order in which they are tried:

    model.layers.3.self_attn.q_proj.weight    Hugging Face's, which `apr import` writes
    blk.3.attn_q.weight                       GGUF's, which `--preserve-q4k` keeps
    layers.3.self_attn.q_proj.weight          without `model.`
    3.q_proj.weight                           the short form of early files

A file that has two of them is refused: taking the first would be a guess. An architecture that is not in the table is refused
too, where upstream takes it for a llama. Sources: paiml/aprender, contracts tensor-layout-v1 and tensor-names-v1; GGUF's names
in llama.cpp's llama-arch.cpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from apr.errors import UnsupportedModel, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apr.formats.model_file import RopeKind

# GGUF's name inside of a block: Hugging Face's inside of a layer
_ATTENTION = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
}
_BIASES = {
    "attn_q.bias": "self_attn.q_proj.bias",
    "attn_k.bias": "self_attn.k_proj.bias",
    "attn_v.bias": "self_attn.v_proj.bias",
}
_OUTPUT_BIAS = {"attn_output.bias": "self_attn.o_proj.bias"}
_HEAD_NORMS = {
    "attn_q_norm.weight": "self_attn.q_norm.weight",
    "attn_k_norm.weight": "self_attn.k_norm.weight",
}
_DENSE = {
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}
# packed: [experts, rows, columns]; single experts stand as `mlp.experts.E.gate_proj.weight`
_EXPERTS = {
    "ffn_gate_inp.weight": "mlp.gate.weight",
    "ffn_gate_exps.weight": "mlp.experts.gate_proj.weight",
    "ffn_up_exps.weight": "mlp.experts.up_proj.weight",
    "ffn_down_exps.weight": "mlp.experts.down_proj.weight",
}
_OUTER = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
_HEAD = {"output.weight": "lm_head.weight"}
_ROPE_DIVISORS = {
    "rope_freqs.weight": "rope_freqs.weight"
}  # what converters make of llama3's scaling; no name elsewhere
_PREFIX = "model."


@dataclass(frozen=True)
class Names:
    """The tensors of an architecture.

    Attributes:
        rope_kind: how GGUF files order the rows of queries and keys; Hugging Face's are always `neox`.
        layer: GGUF's name inside of a block to Hugging Face's inside of a layer, for tensors that every layer has.
        layer_optional: the same for those that a model may lack.
        outer, outer_optional: the same outside of the layers, whole names.
    """

    rope_kind: RopeKind
    layer: dict[str, str]
    layer_optional: dict[str, str]
    outer: dict[str, str]
    outer_optional: dict[str, str]


ARCHITECTURES: dict[str, Names] = {
    "llama": Names("norm", _ATTENTION | _DENSE, _BIASES | _OUTPUT_BIAS, _OUTER, _HEAD | _ROPE_DIVISORS),
    "qwen2": Names("neox", _ATTENTION | _BIASES | _DENSE, {}, _OUTER, _HEAD),
    "qwen3": Names("neox", _ATTENTION | _HEAD_NORMS | _DENSE, {}, _OUTER, _HEAD),
    "qwen3moe": Names("neox", _ATTENTION | _HEAD_NORMS | _EXPERTS, {}, _OUTER, _HEAD),
}
# other names of an architecture in .apr files: model_type and class of its Hugging Face checkpoints
_ALIASES = {
    "qwen3_moe": "qwen3moe",
    "LlamaForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3MoeForCausalLM": "qwen3moe",
}

_IN_LAYER = re.compile(r"(?P<prefix>(?:model\.)?layers\.|blk\.|)(?P<layer>0|[1-9][0-9]{0,5})\.(?P<rest>.+)", re.ASCII)
_EXPERT = re.compile(r"mlp\.experts\.(?P<expert>0|[1-9][0-9]{0,5})\.(?P<part>gate|up|down)_proj\.weight", re.ASCII)
_FUSED = {"self_attn.qkv_proj.weight": "weight", "self_attn.qkv_proj.bias": "bias"}


class Place(NamedTuple):
    """Which tensor a name of a file stands for.

    Attributes:
        name: GGUF's; for a fused projection its first part, `blk.3.attn_q.weight`.
        role: the whole tensor, one matrix of a packed one, or query, key and value rows one after the other.
        expert: which matrix, where it is one.
    """

    name: str
    role: Literal["whole", "expert", "qkv"] = "whole"
    expert: int | None = None


def gguf_architecture(name: str) -> str:
    """GGUF's name of an architecture that goes by its Hugging Face name; others as they are."""
    return _ALIASES.get(name, name)


def names_of(architecture: str) -> Names:
    """The table of an architecture.

    Raises:
        UnsupportedModel: there is none.
    """
    names = ARCHITECTURES.get(architecture)
    if names is None:
        raise UnsupportedModel(
            f"the names of architecture {architecture!r} are not known",
            hint=f"known are {', '.join(ARCHITECTURES)}",
        )
    return names


def spellings(architecture: str, name: str) -> tuple[str, ...]:
    """Every name of a tensor, in the order in which they are tried.

    Args:
        architecture: GGUF's name of it.
        name: of the tensor, GGUF's.

    Raises:
        UnsupportedModel: the architecture has no such tensor, or is not known.
    """
    names = names_of(architecture)
    outer = names.outer | names.outer_optional
    if name in outer:
        found = [outer[name], name, outer[name].removeprefix(_PREFIX)]
    else:
        match = _IN_LAYER.fullmatch(name)
        inner = names.layer | names.layer_optional
        rest = match["rest"] if match and match["prefix"] == "blk." else ""
        if match is None or rest not in inner:
            raise UnsupportedModel(
                f"architecture {architecture!r} has no tensor {name!r}",
                hint=_whose(name) or "the metadata names the wrong architecture, or the file is of another kind",
            )
        layer, hf = match["layer"], inner[rest]
        found = [f"{_PREFIX}layers.{layer}.{hf}", name, f"layers.{layer}.{hf}", f"{layer}.{_short(hf)}"]
    return tuple(dict.fromkeys(found))


def hf_name(architecture: str, name: str) -> str:
    """Hugging Face's name of a tensor; see `spellings`."""
    return spellings(architecture, name)[0]


def resolve(architecture: str, name: str, present: Iterable[str], file: object = None) -> str:
    """The name under which a file has a tensor.

    Args:
        architecture: GGUF's name of it.
        name: of the tensor, GGUF's.
        present: the names that the file has.
        file: for messages.

    Raises:
        UnusableInput: none of its names is there, or more than one; the message lists all that were tried.
        UnsupportedModel: see `spellings`.
    """
    tried = spellings(architecture, name)
    where = f"tensor {name!r}" if file is None else f"{file}: tensor {name!r}"
    there = frozenset(present)
    found = [spelling for spelling in tried if spelling in there]
    if len(found) > 1:
        raise UnusableInput(
            f"is there under {len(found)} names: {', '.join(found)}",
            where=where,
            hint="which of them counts is not known: make the file again",
        )
    if not found:
        raise UnusableInput(
            f"is missing; tried {', '.join(tried)}",
            where=where,
            hint="the file is incomplete or of another kind",
        )
    return found[0]


def place_of(architecture: str, name: str) -> Place:
    """Which tensor a name of a file stands for, whichever of its spellings it is.

    Raises:
        UnsupportedModel: none of the architecture's, which may be one that is not known.
    """
    names = names_of(architecture)
    outer = _outer_spellings(architecture)
    if name in outer:
        return Place(outer[name])
    match = _IN_LAYER.fullmatch(name)
    if match is not None:
        prefix, layer, rest = match["prefix"], match["layer"], match["rest"]
        block = f"blk.{layer}."
        inner = _inner_spellings(architecture)[_NAMINGS[prefix]]
        if rest in inner:
            return Place(block + inner[rest])
        if prefix.endswith("layers."):
            expert = _EXPERT.fullmatch(rest)
            if expert is not None and "ffn_gate_exps.weight" in names.layer:
                return Place(f"{block}ffn_{expert['part']}_exps.weight", "expert", int(expert["expert"]))
            if rest in _FUSED and f"attn_q.{_FUSED[rest]}" in names.layer | names.layer_optional:
                return Place(f"{block}attn_q.{_FUSED[rest]}", "qkv")
    raise UnsupportedModel(
        f"the name is none that architecture {architecture!r} has",
        where=f"tensor {name!r}",
        hint=_whose(name) or f"names look like {_PREFIX}layers.0.{_ATTENTION['attn_q.weight']} or blk.0.attn_q.weight",
    )


def required(architecture: str, n_layers: int) -> list[str]:
    """GGUF's names of the tensors that every model of an architecture has.

    Raises:
        UnsupportedModel: the architecture is not known.
    """
    names = names_of(architecture)
    return [*names.outer, *(f"blk.{layer}.{inner}" for layer in range(n_layers) for inner in names.layer)]


_NAMINGS = {"model.layers.": "hf", "layers.": "hf", "blk.": "gguf", "": "short"}


def _short(hf: str) -> str:
    """`q_proj.weight` of `self_attn.q_proj.weight`."""
    return hf.removeprefix("self_attn.").removeprefix("mlp.")


@cache
def _outer_spellings(architecture: str) -> dict[str, str]:
    names = names_of(architecture)
    return {
        spelling: name for name in [*names.outer, *names.outer_optional] for spelling in spellings(architecture, name)
    }


@cache
def _inner_spellings(architecture: str) -> dict[str, dict[str, str]]:
    """By naming: what follows the layer's number to GGUF's name inside of a block."""
    inner = ARCHITECTURES[architecture].layer | ARCHITECTURES[architecture].layer_optional
    return {
        "hf": {hf: gguf for gguf, hf in inner.items()},
        "gguf": {gguf: gguf for gguf in inner},
        "short": {_short(hf): gguf for gguf, hf in inner.items()},
    }


def _whose(name: str) -> str | None:
    """Which architectures do have a tensor of this name."""
    owners = []
    for architecture, names in ARCHITECTURES.items():
        match = _IN_LAYER.fullmatch(name)
        inner = names.layer | names.layer_optional
        if match is not None and match["rest"] in {*inner, *inner.values()}:
            owners.append(architecture)
    return f"tensors of this name belong to {', '.join(owners)}" if owners else None
