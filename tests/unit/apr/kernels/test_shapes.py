"""Shapes and sizes of the library: by hand, against files and a forward pass, and what is refused."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.errors import UnusableInput
from apr.formats import open_model
from apr.kernels import shapes
from apr.kernels.shapes_config import Head, Said
from apr.models import KvCache, architecture_of, free_run, load
from apr.ops.arithmetic import F32
from tinymodels import FILES, write_model

if TYPE_CHECKING:
    from pathlib import Path

# layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied
BY_HAND = (2, 8, 12, 4, 2, 3, 10, False)


def test_parameters_by_hand() -> None:
    attention = 8 * 12 + 2 * 8 * 6 + 12 * 8 + 2 * 8  # q, k and v, output, both norms
    layer = attention + 3 * 8 * 12
    outside = 2 * 10 * 8 + 8
    assert shapes.parameters_llama(*BY_HAND) == outside + 2 * layer
    assert shapes.parameters_llama(*BY_HAND, True) == outside + 2 * (layer + 12 + 2 * 6)
    assert shapes.parameters_qwen2(*BY_HAND) == outside + 2 * (layer + 12 + 2 * 6)
    assert shapes.parameters_qwen3(*BY_HAND) == outside + 2 * (layer + 2 * 3)
    experts = 5 * 8 + 3 * 5 * 8 * 7
    assert shapes.parameters_qwen3moe(2, 8, 5, 7, 4, 2, 3, 10, True) == 10 * 8 + 8 + 2 * (attention + 2 * 3 + experts)


def test_the_embedding_comes_first_and_the_last_matrix_leads_back() -> None:
    table = shapes.tensor_shapes_llama(*BY_HAND)
    assert table[0].tolist() == [1, 10, 8]
    assert table[-1].tolist() == [1, 8, 12]
    assert table.dtype == np.int64


@pytest.mark.parametrize("name", ["llama-f32", "llama-wide-f32", "qwen2-f32", "qwen3-f32", "qwen3moe-f32"])
def test_the_table_is_the_inventory_of_a_file(name: str, tmp_path: Path) -> None:
    spec = FILES[name].spec
    file = open_model(write_model(tmp_path / "x.gguf", spec))
    config = architecture_of(file).read(file)
    inner = (spec.experts, spec.expert_feed_forward) if spec.moe else (spec.feed_forward,)
    heads = (spec.heads, spec.kv_heads, spec.head_width, config.vocabulary, spec.tied)
    table = getattr(shapes, f"tensor_shapes_{spec.architecture}")(spec.layers, spec.hidden, *inner, *heads)
    held = sorted((1,) * (3 - len(tensor.shape)) + tensor.shape for tensor in file.tensors.values())
    assert sorted(map(tuple, table.tolist())) == held


def test_flow_is_the_width_of_every_stage(tmp_path: Path) -> None:
    spec = FILES["qwen3moe-f32"].spec
    model = load(open_model(write_model(tmp_path / "x.gguf", spec)), F32)
    flow = shapes.flow_qwen3moe(spec.hidden, spec.experts, spec.used, spec.expert_feed_forward, spec.heads, spec.kv_heads or 0,
                                spec.head_width, model.config.vocabulary)  # fmt: skip
    made = free_run(model, np.array([3, 1, 4]), np.arange(3))
    seen = {key.stage: array.shape[1] for key, array in made}
    assert list(seen) == list(model.stages)
    assert flow.tolist() == list(seen.values())


def test_widths_follow_what_is_said_first() -> None:
    assert shapes.config_widths(24, 4, 0, 0).tolist() == [6, 24, 24, 1]
    assert shapes.config_widths(24, 4, 2, 10).tolist() == [10, 40, 20, 2]
    with pytest.raises(UnusableInput, match="do not divide"):
        shapes.config_widths(25, 4, 0, 0)


@pytest.mark.parametrize(
    ("sizes", "read"),
    [
        ((24, 4, 2, 0, 1e4, 1e-5), True),
        ((25, 4, 2, 0, 1e4, 1e-5), False),
        ((25, 4, 2, 6, 1e4, 1e-5), True),
        ((24, 4, 3, 0, 1e4, 1e-5), False),
        ((24, 4, 8, 0, 1e4, 1e-5), False),
        ((12, 4, 2, 0, 1e4, 1e-5), False),
        ((24, 4, 2, 0, 0.0, 1e-5), False),
        ((24, 4, 2, 0, float("nan"), 1e-5), False),
        ((24, 4, 2, 0, float("inf"), 1e-5), False),
        ((24, 4, 2, 0, 1e4, 0.0), False),
    ],
)
def test_what_contradicts_itself_is_refused(sizes: tuple[int, int, int, int, float, float], read: bool) -> None:
    assert bool(shapes.config_is_read(*sizes)) is read


def test_experts_up_to_all_of_them() -> None:
    assert [bool(shapes.experts_are_read(4, used, 1)) for used in (1, 4, 5)] == [True, True, False]


def test_a_head_without_data_says_so() -> None:
    head = Head({}, {"x": Said("x", (1,))})
    head.release("x")
    with pytest.raises(UnusableInput, match="holds no data"):
        head.raw("x")
    with pytest.raises(UnusableInput, match="is no file"):
        _ = head.sha256


def test_groups_stand_together() -> None:
    assert shapes.kv_head_of(6, 2).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_cache_counts_its_own_bytes() -> None:
    cache = KvCache(2)
    assert cache.nbytes == cache.room == 0
    for layer, rows in itertools.product(range(2), (3, 14)):
        cache.add(layer, np.zeros((rows, 5), np.float32), np.zeros((rows, 5), np.float32), np.arange(rows))
    assert cache.nbytes == 2 * 2 * 17 * 5 * 4
    assert cache.room == 2 * 2 * 34 * 5 * 4
    assert shapes.kv_cache_held(3, 17, 2, 5, 1, 4).tolist() == [cache.nbytes, cache.room]
    assert shapes.kv_cache_bytes(17, 2, 5, 1, 4) == cache.nbytes


def test_rows_come_back() -> None:
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    assert np.array_equal(shapes.kv_cache_rows(x, 5), x)


@pytest.mark.parametrize(("n", "a", "wanted"), [(0, 64, 0), (1, 64, 64), (64, 64, 64), (65, 32, 96), (7, 1, 7)])
def test_padding(n: int, a: int, wanted: int) -> None:
    assert shapes.padded(n, a) == wanted


def test_bytes_of_matrices() -> None:
    assert shapes.tensor_bytes(12, 768, 2048) == 884_736
    assert shapes.tensor_bytes(14, 2048, 768) == 1_290_240
    assert shapes.tensor_bytes(12, 2, 257) == -1
    assert shapes.filled_bytes(12, 2, 257) == 2 * 2 * 144
    assert shapes.filled_bytes(8, 2, 33) == -1  # only Q4_K and Q6_K are filled up
    with pytest.raises(KeyError):
        shapes.tensor_bytes(99, 1, 1)


def test_dimensions_are_reversed() -> None:
    assert shapes.shape_of_dims(np.array([5, 3, 2])).tolist() == [2, 3, 5]


def test_rows_lie_one_behind_the_other() -> None:
    x = np.arange(6, dtype="<f4").reshape(2, 3)
    assert np.array_equal(shapes.matrix_of_bytes(np.frombuffer(x.tobytes(), np.uint8), 2, 3), x)
    packed = np.arange(12, dtype=np.uint8).reshape(6, 2)
    assert np.array_equal(shapes.packed_matrix(packed, 3, 1), packed[2:4])
