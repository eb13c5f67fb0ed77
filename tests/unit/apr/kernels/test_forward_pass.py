"""Linear maps, the embedding and rotations under the names of the library are those of a forward pass, bit by bit."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr import kernels
from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.ops.arithmetic import F32
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray

TOKENS = [4, 30, 77, 4, 5, 6, 200]
POSITIONS = np.arange(len(TOKENS))


@dataclasses.dataclass
class Pass:
    """A model, and the stages of a forward pass of it in float32."""

    engine: Reference
    stages: Any

    def stage(self, name: str, layer: int | None = None) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.stages[StageKey(name, layer)]
        return found

    def weight(self, name: str) -> NDArray[np.float32]:
        return self.engine.model.weights.dequantised(name)

    def queries(self, head_dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Before and after the rotation of layer 1: [positions, heads, head_dim]."""
        rotated = self.stage("q_post_rope", 1)
        plain = self.stage("qkv_matmul", 1)[:, : rotated.shape[1]]
        return plain.reshape(len(TOKENS), -1, head_dim), rotated.reshape(len(TOKENS), -1, head_dim)


def passed(path: Path) -> Pass:
    engine = Reference(read_gguf(path), F32)
    return Pass(engine, engine.capture(TOKENS))


def test_linear_is_the_projection(tiny_llama: Callable[..., Path]) -> None:
    run = passed(tiny_llama())
    got = kernels.linear(run.stage("ffn_norm", 1), run.weight("blk.1.ffn_gate.weight"))
    assert got.dtype == np.float32
    assert (got == run.stage("ffn_gate", 1)).all()
    assert np.ptp(got) > 0


def test_tied_head_is_the_head_of_a_tied_model(tiny_llama: Callable[..., Path]) -> None:
    run = passed(tiny_llama(tied=True))
    got = kernels.tied_head(run.stage("final_norm"), run.weight("token_embd.weight"))
    assert (got == run.stage("lm_head")).all()


def test_embedding_is_the_first_stage(tiny_llama: Callable[..., Path]) -> None:
    run = passed(tiny_llama())
    table = run.weight("token_embd.weight")
    got = kernels.embedding(np.array(TOKENS), table)
    assert (got.view(np.uint32) == run.stage("embedding", 0).view(np.uint32)).all()
    got[0] = 0
    assert (table[TOKENS[0]] != 0).any(), "the rows are copies"


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_rope_is_the_rotation_of_the_architecture(tiny_model: Callable[..., Path], architecture: str) -> None:
    run = passed(tiny_model(architecture, theta=5000.0))
    rotate = {"llama": kernels.rope_norm, "qwen2": kernels.rope_neox}[architecture]
    rotated = run.stage("q_post_rope", 1)
    plain = run.stage("qkv_bias" if architecture == "qwen2" else "qkv_matmul", 1)[:, : rotated.shape[1]]
    got = rotate(plain.reshape(len(TOKENS), -1, 16), POSITIONS, 5000.0)
    assert (got.reshape(rotated.shape) == rotated).all()
    assert (rotated[1:] != plain[1:]).any()


SCALED = [("type", "linear"), ("factor", 4.0), ("original_context_length", 64)]


@pytest.mark.parametrize("kind", ["linear", "yarn", "llama3"])
def test_stretched_rotations_are_those_of_a_model_that_says_so(
    maker: ModuleType, tiny_model: Callable[..., Path], kind: str
) -> None:
    keys = {**dict(SCALED), "type": kind}
    options: dict[str, Any] = {"hidden": 128, "heads": 2, "kv_heads": 1, "context": 512}
    if kind == "llama3":
        options["rope_divisors"] = maker.llama3_divisors(64, 10000.0, 64)
    else:
        options["metadata"] = tuple((f"llama.rope.scaling.{key}", value) for key, value in keys.items())
    plain, rotated = passed(tiny_model("llama", **options)).queries(64)
    # these models rotate neighbours and the kernels halves: even dimensions first, then odd ones, is the same
    halves = np.r_[0:64:2, 1:64:2]
    call: dict[str, Callable[[NDArray[np.float32]], Any]] = {
        "linear": lambda x: kernels.rope_linear(x, POSITIONS, 10000.0, 4.0),
        "yarn": lambda x: kernels.rope_yarn(x, POSITIONS, 10000.0, 4.0, 64),
        "llama3": lambda x: kernels.rope_llama3(x, POSITIONS, 10000.0, 8.0, 64, 1.0, 4.0),
    }
    got = call[kind](plain[..., halves])
    assert (got == rotated[..., halves]).all()
    assert (got != kernels.rope_neox(plain[..., halves], POSITIONS, 10000.0)).any()
