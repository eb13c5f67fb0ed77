"""Falsifiers of `tensor-names-v1`: the whole table, and the names that an imported model has."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from given.apr_bytes import AprBytes
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from pv import Evidence

CONTRACT = "tensor-names-v1"
EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)
LAYERS = 101  # one, two and three digits
TABLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output.weight": "lm_head.weight",
    "output_norm.weight": "model.norm.weight",
    "attn_norm.weight": "input_layernorm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    **{f"attn_{part}.{kind}": f"self_attn.{part}_proj.{kind}" for part in "qkv" for kind in ("weight", "bias")},
    "attn_output.weight": "self_attn.o_proj.weight",
    **{f"attn_{part}_norm.weight": f"self_attn.{part}_norm.weight" for part in "qk"},
    **{f"ffn_{part}.weight": f"mlp.{part}_proj.weight" for part in ("gate", "up", "down")},
    "ffn_gate_inp.weight": "mlp.gate.weight",
    **{f"ffn_{part}_exps.weight": f"mlp.experts.{part}_proj.weight" for part in ("gate", "up", "down")},
}


def _place(name: str) -> tuple[str, int | None]:
    block = re.fullmatch(r"blk\.(\d+)\.(.+)", name)
    return (block[2], int(block[1])) if block else (name, None)


def _expected(name: str) -> str:
    """Hugging Face's name by the table."""
    inner, layer = _place(name)
    return TABLE[inner] if layer is None else f"model.layers.{layer}.{TABLE[inner]}"


@falsifies(CONTRACT, "FALSIFY-TNAME-001")
def names_are_a_bijection(evidence: Evidence, conversion: Any, naming: Any) -> None:
    """All architectures, all tensors, all spellings."""
    evidence.level("algorithm")
    for architecture in naming.architectures:
        owner: dict[str, str] = {}
        for name in naming.every_name(architecture, LAYERS):
            stage, layer = _place(name)
            for spelling in naming.spellings(architecture, name):
                evidence.compared(1, "names")
                problem = conversion.refusal(lambda: naming.place_of(architecture, spelling))  # noqa: B023 # called at once
                found = None if problem else naming.place_of(architecture, spelling)
                if found is None or (found.name, found.role) != (name, "whole"):
                    raise Refuted(
                        f"{spelling} of {architecture} stands for {found or problem}", stage=stage, layer=layer
                    )
                if owner.setdefault(spelling, name) != name:
                    raise Refuted(f"{spelling} is {owner[spelling]} and {name}", stage=stage, layer=layer)


@falsifies(CONTRACT, "FALSIFY-TNAME-002")
def names_are_tried_in_order(evidence: Evidence, naming: Any) -> None:
    """Those of every tensor in a layer that the table has."""
    evidence.level("algorithm")
    for architecture in naming.architectures:
        for name in naming.every_name(architecture, 2):
            inner, layer = _place(name)
            if layer is None or inner not in TABLE:
                continue
            hf = TABLE[inner]
            short = hf.removeprefix("self_attn.").removeprefix("mlp.")
            expected = (f"model.layers.{layer}.{hf}", name, f"layers.{layer}.{hf}", f"{layer}.{short}")
            evidence.compared(len(expected), "names")
            if tuple(naming.spellings(architecture, name)) != expected:
                raise Refuted(f"{name}: {naming.spellings(architecture, name)}", stage="resolution order")
            for alone in expected:
                if naming.resolve(architecture, name, [alone]) != alone:
                    raise Refuted(f"{alone} is not found", stage="resolution order")


@falsifies(CONTRACT, "FALSIFY-TNAME-003")
def an_error_tells_what_was_tried(evidence: Evidence, conversion: Any, naming: Any) -> None:
    """Of every tensor."""
    evidence.level("algorithm")
    for architecture in naming.architectures:
        for name in naming.every_name(architecture, 1):
            problem = conversion.refusal(lambda: naming.resolve(architecture, name, ["blk.0.other"]))  # noqa: B023 # at once
            evidence.compared(1, "errors")
            if problem is None or not all(spelling in problem for spelling in naming.spellings(architecture, name)):
                raise Refuted(f"{name}: {problem}", stage="error")


@falsifies(CONTRACT, "FALSIFY-TNAME-004")
def an_unknown_architecture_is_refused(evidence: Evidence, conversion: Any, naming: Any) -> None:
    """By every function that takes one."""
    evidence.level("algorithm")
    for unknown in ("gemma2", "Llama", "qwen3_5moe", ""):
        for attempt in (
            lambda unknown=unknown: naming.spellings(unknown, "token_embd.weight"),
            lambda unknown=unknown: naming.place_of(unknown, "model.norm.weight"),
            lambda unknown=unknown: naming.required(unknown, 2),
        ):
            problem = conversion.refusal(attempt)
            evidence.compared(1, "refusals")
            if problem is None or repr(unknown) not in problem or "qwen3moe" not in problem:
                raise Refuted(f"{unknown!r}: {problem}", stage="gemma2")


@falsifies(CONTRACT, "FALSIFY-TNAME-005")
def a_name_that_is_none_is_refused(evidence: Evidence, conversion: Any, naming: Any) -> None:
    """Sound names with something wrong about them."""
    evidence.level("algorithm")
    sound = sorted(
        set(itertools.chain.from_iterable(naming.spellings("qwen3", n) for n in naming.every_name("qwen3", 2)))
    )

    @EXAMPLES
    @example("model.norm.weight", "model.{}")
    @given(
        st.sampled_from(sound),
        st.sampled_from(["model.{}", "blk.{}", "{}.weight", "{} ", "{}.0", "0{}", "x.{}", "layers.{}", "0.{}", "{}\n"]),
    )
    def check(name: str, wrong: str) -> None:
        bent = wrong.format(name)
        if bent in sound:
            return
        evidence.compared(1, "names")
        if conversion.refusal(lambda: naming.place_of("qwen3", bent)) is None:
            raise Refuted(f"{bent!r} is taken for {naming.place_of('qwen3', bent)}", stage="model.model.")

    check()


@falsifies(CONTRACT, "FALSIFY-TNAME-006")
def two_names_of_one_tensor(evidence: Evidence, conversion: Any, source_model: Any, tmp_path: Path) -> None:
    """In a file, with other bytes under the second name."""
    evidence.level("algorithm")
    file = AprBytes.read(conversion.to_apr(source_model("llama-biased-f32"), tmp_path / "sound.apr"))
    first = "model.layers.0.self_attn.q_proj.weight"
    for second in ("blk.0.attn_q.weight", "layers.0.self_attn.q_proj.weight", "0.q_proj.weight"):
        both = AprBytes(file.flags, file.metadata, dict(file.tensors), b"")
        both.tensors[second] = file.tensors[first]._replace(data=file.tensors[first].data[::-1])
        path = both.write(tmp_path / "two.apr")
        problem = conversion.refusal(lambda path=path: conversion.open(path))
        evidence.compared(1, "files")
        if problem is None or first not in problem or second not in problem:
            raise Refuted(f"{first} and {second}: {problem}", stage="attn_q.weight", layer=0)


@falsifies(CONTRACT, "FALSIFY-TNAME-007")
def the_table_is_written(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """Names in the file's own index, against the table as it stands here."""
    evidence.level("authored")
    source = source_model(model)
    names = sorted(gguf_parts(source).tensors, key=lambda name: (_place(name)[1] is not None, name))
    written = AprBytes.read(conversion.to_apr(source, tmp_path / "x.apr")).tensors
    for name in sorted(names, key=lambda name: name != "token_embd.weight"):
        evidence.compared(1, "names")
        if _expected(name) not in written:
            stage, layer = _place(name)
            raise Refuted(f"{name} is not there as {_expected(name)}", stage=stage, layer=layer)
    more = set(written) - {_expected(name) for name in names} - {"lm_head.weight"}
    if more:
        raise Refuted(f"{min(more)} is none of the table's", stage=min(more))
