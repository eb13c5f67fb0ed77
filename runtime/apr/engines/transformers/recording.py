"""What a forward pass of transformers makes on its way: every stage under its name, taken by hooks.

Modules say most of it: a norm's output, a projection's. Queries and keys after the rotation, and what attention makes of
them, are seen by an attention function of our own, which transformers lets anybody register; it calls the model's own eager
one. The experts run inside one function, so there torch itself is watched: their two products are its `linear`.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.engines.transformers.library import intercepted, libraries
from apr.errors import OracleError
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from apr.capture import Array

RECORDED = "apr_recorded"  # the name of our attention function
_PARTS = ("q", "k", "v")


class Recording:
    """The stages of one pass; `parts` are those that come one by one, before they are put together."""

    def __init__(self) -> None:
        self.stages: dict[StageKey, Array] = {}
        self.parts: dict[tuple[StageKey, str], Array] = {}

    def add(self, stage: str, layer: int | None, tensor: Any, part: str = "") -> None:
        """Keeps a copy: [positions, width].

        Raises:
            OracleError: it was there already.
        """
        key = StageKey(stage, layer)
        array = tensor.detach().reshape(-1, *tensor.shape[2:]) if tensor.dim() > 2 else tensor.detach()
        rows = np.array(array.reshape(array.shape[0], -1).numpy())
        if key in self.stages or (key, part) in self.parts:
            raise OracleError(f"stage {key} was seen twice in one pass of transformers")
        if part:
            self.parts[key, part] = rows
        else:
            self.stages[key] = rows

    def join(self) -> None:
        """Puts the parts of queries, keys and values side by side."""
        for key in {key for key, _ in self.parts}:
            self.stages[key] = np.concatenate([self.parts[key, part] for part in _PARTS], axis=-1)


@contextlib.contextmanager
def recorded(model: Any) -> Iterator[Recording]:
    """Everything that the model computes within this is recorded.

    Args:
        model: a causal language model of transformers; its attention is set to `RECORDED`, and back to eager.
    """
    _register()
    recording = Recording()
    with contextlib.ExitStack() as stack:
        model.set_attn_implementation(RECORDED)
        stack.callback(model.set_attn_implementation, "eager")
        inner = model.model
        _output(stack, inner.embed_tokens, functools.partial(recording.add, "embedding", 0))
        _output(stack, inner.norm, functools.partial(recording.add, "final_norm", None))
        _output(stack, model.lm_head, functools.partial(recording.add, "lm_head", None))
        for number, layer in enumerate(inner.layers):
            _record_layer(stack, recording, number, layer)
        yield recording
        recording.join()


def _record_layer(stack: contextlib.ExitStack, recording: Recording, number: int, layer: Any) -> None:
    def to(stage: str) -> Callable[[Any], None]:
        return functools.partial(recording.add, stage, number)

    attention = layer.self_attn
    _output(stack, layer.input_layernorm, to("attn_norm"))
    for part in _PARTS:
        _projection(stack, recording, number, part, getattr(attention, f"{part}_proj"))
    for part in ("q", "k"):
        if hasattr(attention, f"{part}_norm"):
            _output(stack, getattr(attention, f"{part}_norm"), to(f"{part}_norm"))
    attention.apr_record = lambda q, k, mixed: [
        to(stage)(tensor) for stage, tensor in (("q_post_rope", q), ("k_post_rope", k), ("attention", mixed))
    ]
    stack.callback(delattr, attention, "apr_record")
    _output(stack, attention.o_proj, to("attn_out"))
    _input(stack, layer.post_attention_layernorm, to("post_attn_residual"))
    _output(stack, layer.post_attention_layernorm, to("ffn_norm"))
    if hasattr(layer.mlp, "experts"):
        _record_experts(stack, recording, number, layer.mlp)
    else:
        for stage, module in (("ffn_gate", "gate_proj"), ("ffn_up", "up_proj"), ("ffn_silu", "act_fn")):
            _output(stack, getattr(layer.mlp, module), to(stage))
        _input(stack, layer.mlp.down_proj, to("ffn_swigl"))
        _output(stack, layer.mlp.down_proj, to("ffn_out"))
    _output(stack, layer, to("post_ffn_residual"))


def _output(stack: contextlib.ExitStack, module: Any, use: Callable[[Any], None]) -> None:
    """Calls `use` with what a module returns."""
    hook = module.register_forward_hook(lambda _module, _inputs, output: use(output))
    stack.callback(hook.remove)


def _input(stack: contextlib.ExitStack, module: Any, use: Callable[[Any], None]) -> None:
    """Calls `use` with what a module is given."""
    hook = module.register_forward_pre_hook(lambda _module, inputs: use(inputs[0]))
    stack.callback(hook.remove)


def _projection(stack: contextlib.ExitStack, recording: Recording, number: int, part: str, module: Any) -> None:
    """A projection's output; of one with a bias, also what torch computes without it, which its own pass does not make."""
    torch, _ = libraries()

    def use(projection: Any, inputs: tuple[Any, ...], output: Any) -> None:
        if projection.bias is None:
            recording.add("qkv_matmul", number, output, part)
            return
        plain = torch.nn.functional.linear(inputs[0], projection.weight)
        recording.add("qkv_matmul", number, plain, part)
        recording.add("qkv_bias", number, output, part)

    stack.callback(module.register_forward_hook(use).remove)


@functools.cache
def _register() -> None:
    """Makes our attention function and its mask known to transformers."""
    _, transformers = libraries()
    masks = transformers.masking_utils

    def attention(module: Any, query: Any, key: Any, value: Any, mask: Any, **options: Any) -> tuple[Any, Any]:
        """The model's own eager attention; queries and keys come as [1, heads, positions, head_dim]."""
        own = sys.modules[type(module).__module__].eager_attention_forward
        mixed, weights = own(module, query, key, value, mask, **options)
        module.apr_record(query.transpose(1, 2), key.transpose(1, 2), mixed)
        return mixed, weights

    transformers.AttentionInterface.register(RECORDED, attention)
    masks.AttentionMaskInterface.register(RECORDED, masks.eager_mask)


@dataclass
class _Watched:
    """What the experts' function did, in order: inputs and outputs of torch's `linear`, outputs of the activation."""

    inputs: list[Any]
    products: list[Any]
    activations: list[Any]


def _record_experts(stack: contextlib.ExitStack, recording: Recording, number: int, block: Any) -> None:
    """The router's choice, and for each chosen expert what it made, side by side in the order of the choice."""

    def keep_choice(output: tuple[Any, Any, Any]) -> None:
        _, weights, indices = output
        recording.add("moe_router_indices", number, indices.to(weights.dtype))
        recording.add("moe_router", number, weights)

    _output(stack, block.gate, keep_choice)
    experts, forward = block.experts, block.experts.forward

    def watched(hidden: Any, indices: Any, weights: Any) -> Any:
        with _watch(experts.act_fn) as seen:
            output = forward(hidden, indices, weights)
        for stage, array in _by_position(seen, hidden, indices.numpy()).items():
            recording.add(stage, number, array)
        recording.add("moe_ffn_out", number, output)
        return output

    experts.forward = watched  # of this module alone, which belongs to the engine
    stack.callback(delattr, experts, "forward")


@contextlib.contextmanager
def _watch(activation: Any) -> Iterator[_Watched]:
    """Every call of torch's `linear` and of the activation within this."""
    torch, _ = libraries()
    seen = _Watched([], [], [])

    def call(function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        output = function(*arguments, **named)
        if function is torch.nn.functional.linear:
            seen.inputs.append(arguments[0])
            seen.products.append(output)
        return output

    with contextlib.ExitStack() as stack:
        _output(stack, activation, seen.activations.append)
        stack.enter_context(intercepted(call))
        yield seen


def _by_position(seen: _Watched, hidden: Any, indices: NDArray[np.integer[Any]]) -> dict[str, Any]:
    """The experts' stages, [positions, used * columns], from what was computed expert by expert.

    transformers takes the experts in ascending order, and for each the positions that chose it first, then those that chose
    it second, and so on; gate and up are one product, one beside the other. The rows that went in prove it.

    Raises:
        OracleError: it does otherwise.
    """
    torch, _ = libraries()
    experts = np.unique(indices)
    if not 2 * len(experts) == len(seen.products) == 2 * len(seen.activations):
        raise OracleError("this version of transformers runs experts in another way than known here")
    width = seen.activations[0].shape[-1]
    made = {
        stage: torch.empty((*indices.shape, width), dtype=hidden.dtype)
        for stage in ("ffn_gate", "ffn_up", "ffn_silu", "ffn_swigl")
    }
    for number, expert in enumerate(experts):
        rank, position = np.nonzero(expert == indices.T)
        if not torch.equal(seen.inputs[2 * number], hidden[position]):
            raise OracleError("this version of transformers gives experts their positions in another order")
        both = seen.products[2 * number]
        found = (both[:, :width], both[:, width:], seen.activations[number], seen.inputs[2 * number + 1])
        for stage, rows in zip(made, found, strict=True):
            made[stage][position, rank] = rows
    return {stage: array.reshape(len(indices), -1) for stage, array in made.items()}
