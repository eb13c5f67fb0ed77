"""What the eval callback refuses, with a graph made by hand and no library."""

from __future__ import annotations

import ctypes as c
import mmap
import os
from typing import Any

import numpy as np
import pytest

from apr.engines.llama_cpp import abi
from apr.engines.llama_cpp.arena import Arena, Arenas
from apr.engines.llama_cpp.recording import Recording, Refusal

OPS = ["NONE", "MUL", "SET_ROWS", "FLASH_ATTN_EXT", "MUL_MAT", "MUL_MAT_ID"]
F16, I32 = 1, 26


class Graph:
    """Tensors in memory, and the little that a recording asks a library."""

    def __init__(self) -> None:
        self.tensors: list[abi.Tensor] = []
        self.data: list[Any] = []
        self.layout_error: str | None = None
        self.on_host = True
        self.silu: Any = None

    def tensor(
        self, name: str, op: str = "NONE", sources: tuple[int, ...] = (), values: Any = None, kind: int = 0
    ) -> int:
        dtype = np.int32 if kind == I32 else np.float32
        array = np.ascontiguousarray(np.zeros((2, 3)) if values is None else values, dtype)
        tensor = abi.Tensor()
        tensor.name, tensor.op, tensor.type = name.encode(), OPS.index(op), kind
        extents = [*array.shape[::-1], 1, 1][:4]
        stride = 4
        for axis, extent in enumerate(extents):
            tensor.ne[axis], tensor.nb[axis] = extent, stride
            stride *= extent
        for place, source in enumerate(sources):
            tensor.src[place] = source
        tensor.data = array.ctypes.data
        self.tensors.append(tensor)
        self.data.append(array)
        return c.addressof(tensor)

    def op_name(self, code: int) -> bytes:
        return OPS[code].encode()

    def nbytes(self, address: int) -> int:
        tensor = abi.Tensor.from_address(address)
        return int(tensor.ne[3] * tensor.nb[3])

    def tensor_get(self, address: int, target: int, offset: int, nbytes: int) -> None:
        c.memmove(target, abi.Tensor.from_address(address).data + offset, nbytes)

    def host_address(self, address: int) -> int | None:
        data: int = abi.Tensor.from_address(address).data
        return data if self.on_host else None

    def check_tensor_layout(self, address: int) -> None:
        if self.layout_error:
            raise abi.AbiError(f"{self.layout_error} {bool(address)}")

    def cache(self, kind: int = 0) -> int:
        return self.tensor("cache_k_l0 (view)", "SET_ROWS", kind=kind)

    def norm(self, **options: Any) -> int:
        weight = self.tensor("blk.0.attn_norm.weight")
        return self.tensor("attn_norm-0", "MUL", (self.tensor("norm-0"), weight), **options)


@pytest.fixture
def graph() -> Graph:
    return Graph()


def run(recording: Recording, *nodes: int) -> list[bool]:
    """What the callback answers when asked for each node; computed nodes are handed over."""
    answers = []
    for node in nodes:
        answers.append(recording.on_node(node, ask=True))
        if answers[-1]:
            recording.on_node(node, ask=False)
    return answers


@pytest.mark.parametrize("on_host", [True, False])
def test_a_stage_is_copied_and_its_neighbours_are_not_asked_for(graph: Graph, on_host: bool) -> None:
    graph.on_host = on_host
    recording = Recording(graph)
    values = np.arange(6).reshape(2, 3)
    assert run(recording, graph.cache(), graph.norm(values=values)) == [False, True]
    recording.check()
    (slot,) = recording.slots
    assert (slot["stage"], slot["layer"], slot["ne"]) == ("attn_norm", 0, [3, 2, 1, 1])
    size = recording.arena.size
    assert np.frombuffer(os.pread(recording.arena.descriptor, size, slot["offset"]), np.float32, 6).tolist() == [
        *range(6)
    ]
    recording.arena.discard()


def test_what_is_not_wanted_is_not_copied(graph: Graph) -> None:
    recording = Recording(graph, frozenset({("ffn_norm", 0)}))
    assert run(recording, graph.cache(), graph.norm()) == [False, False]
    assert recording.slots == []


@pytest.mark.parametrize("only", [True, False])
def test_what_a_product_reads_is_taken_from_its_source(graph: Graph, only: bool) -> None:
    weight, mixed = graph.tensor("blk.4.attn_output.weight"), graph.tensor("kqv_out-4", values=np.full((2, 3), 7))
    out = graph.tensor("node_9", "MUL_MAT", (weight, mixed), values=np.full((2, 5), 9))
    recording = Recording(graph, frozenset({("attention", 4)}) if only else None)
    assert run(recording, graph.cache(), out) == [False, True]
    stages = {slot["stage"]: slot["ne"][0] for slot in recording.slots}
    assert stages == ({"attention": 3} if only else {"attention": 3, "attn_out": 5})


@pytest.mark.parametrize("wanted", [None, "ffn_silu", "ffn_gate"])
def test_what_a_gate_becomes_is_made_by_the_librarys_kernel_row_by_row(graph: Graph, wanted: str | None) -> None:
    rows = []

    def silu(count: int, target: int, source: int) -> None:
        rows.append(count)
        for place in range(count):
            c.c_float.from_address(target + 4 * place).value = -c.c_float.from_address(source + 4 * place).value

    graph.silu = silu
    gate = graph.tensor(
        "g", "MUL_MAT", (graph.tensor("blk.3.ffn_gate.weight"), graph.tensor("x")), values=[[1, 2, 3], [4, 5, 6]]
    )
    recording = Recording(graph, frozenset({("ffn_gate", 3), (wanted, 3)}) if wanted else None)
    run(recording, graph.cache(), gate)
    recording.check()
    found = {slot["stage"]: slot for slot in recording.slots}
    if wanted == "ffn_gate":
        assert (list(found), rows) == (["ffn_gate"], [])
    else:
        assert rows == [3, 3]
        assert found["ffn_silu"]["ne"] == [3, 2, 1, 1]
        held = os.pread(recording.arena.descriptor, 24, found["ffn_silu"]["offset"])
        assert np.frombuffer(held, np.float32).tolist() == [-1, -2, -3, -4, -5, -6]
    held = os.pread(recording.arena.descriptor, 24, found["ffn_gate"]["offset"])
    assert np.frombuffer(held, np.float32).tolist() == [1, 2, 3, 4, 5, 6]
    recording.arena.discard()


def routed(graph: Graph, order: Any, used: int, kind: int = I32) -> int:
    """A product of experts that reads a view of the first `used` columns of an order of all of them."""
    chosen = graph.tensor("topk", values=order, kind=kind)
    abi.Tensor.from_address(chosen).ne[0] = used  # the rows lie as far apart as before
    weight = graph.tensor("blk.2.ffn_gate_exps.weight")
    return graph.tensor("gate", "MUL_MAT_ID", (weight, graph.tensor("x"), chosen))


def test_whole_numbers_of_a_view_become_float32(graph: Graph) -> None:
    order = [[3, 1, 0, 2], [2, 0, 1, 3], [1, 3, 2, 0]]
    recording = Recording(graph, frozenset({("moe_router_indices", 2)}))
    assert run(recording, graph.cache(), routed(graph, order, 2)) == [False, True]
    recording.check()
    (slot,) = recording.slots
    assert slot["ne"] == [2, 3, 1, 1]
    size = recording.arena.size
    content = os.pread(recording.arena.descriptor, size, slot["offset"])
    assert np.frombuffer(content, np.float32, 6).tolist() == [3, 1, 2, 0, 1, 3]
    recording.arena.discard()


def test_whole_numbers_that_float32_does_not_hold_are_refused(graph: Graph) -> None:
    assert "float32 does not hold" in refused(graph, graph.cache(), routed(graph, [[2**24 + 1, 0], [0, 1]], 1))


def test_a_choice_of_experts_that_is_no_whole_number_is_refused(graph: Graph) -> None:
    message = refused(graph, graph.cache(), routed(graph, [[1, 0], [0, 1]], 1, kind=0))
    assert "moe_router_indices of layer 2 is not int32 but GGML type 0" in message


def refused(graph: Graph, *nodes: int) -> str:
    recording = Recording(graph)
    run(recording, *nodes)
    with pytest.raises(Refusal) as caught:
        recording.check()
    return str(caught.value)


def test_flash_attention_is_refused(graph: Graph) -> None:
    assert "flash attention is on" in refused(graph, graph.cache(), graph.tensor("fa", "FLASH_ATTN_EXT"), graph.norm())


def test_a_cache_of_another_type_is_refused(graph: Graph) -> None:
    assert "cache is not F32" in refused(graph, graph.cache(kind=F16), graph.norm())


def test_a_cache_that_was_never_seen_is_refused(graph: Graph) -> None:
    assert "no write to the key and value cache" in refused(graph, graph.norm())


def test_a_callback_that_is_never_called_is_refused(graph: Graph) -> None:
    assert "never called" in refused(graph)


def test_a_tensor_laid_out_differently_is_refused(graph: Graph) -> None:
    graph.layout_error = "its name is elsewhere"
    assert "its name is elsewhere True" in refused(graph, graph.cache(), graph.norm())


def test_a_stage_of_another_type_is_refused(graph: Graph) -> None:
    assert "attn_norm of layer 0 is not float32 but GGML type 1" in refused(graph, graph.cache(), graph.norm(kind=F16))


def test_a_stage_that_is_not_contiguous_is_refused(graph: Graph) -> None:
    node = graph.norm()
    abi.Tensor.from_address(node).nb[1] = 64
    assert "not contiguous" in refused(graph, graph.cache(), node)


def test_the_first_fault_is_told_and_nothing_is_looked_at_after_it(graph: Graph) -> None:
    recording = Recording(graph)
    assert run(recording, graph.cache(kind=F16), graph.tensor("fa", "FLASH_ATTN_EXT"), graph.norm()) == [False] * 3
    assert recording.slots == []
    assert recording.error is not None
    assert "cache" in recording.error


def test_an_exception_in_the_callback_is_kept(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_address: int) -> None:
        raise ZeroDivisionError("in there")

    monkeypatch.setattr(graph, "host_address", broken)
    assert "ZeroDivisionError in the eval callback: in there" in refused(graph, graph.cache(), graph.norm())


def test_a_node_that_was_not_asked_for_is_refused(graph: Graph) -> None:
    recording = Recording(graph)
    recording.on_node(graph.cache(), ask=True)
    assert recording.on_node(graph.norm(), ask=False) is False
    assert recording.error == "llama.cpp computed a node that was not asked for"


def test_an_arena_grows_and_keeps_what_it_holds(graph: Graph) -> None:
    recording = Recording(graph)
    big = np.random.Generator(np.random.PCG64(1)).standard_normal((700, 700)).astype(np.float32)
    nodes = []
    for layer in range(3):
        weight = graph.tensor(f"blk.{layer}.attn_norm.weight")
        nodes.append(graph.tensor("n", "MUL", (graph.tensor("x"), weight), values=big + layer))
    run(recording, graph.cache(), *nodes)
    size = recording.arena.size
    content = os.pread(recording.arena.descriptor, size, 0)
    for layer, slot in enumerate(recording.slots):
        stored = np.frombuffer(content, np.float32, big.size, slot["offset"]).reshape(big.shape)
        assert (stored == big + layer).all()
    recording.arena.discard()


def content(arena: Arena, offset: int, nbytes: int) -> bytes:
    return os.pread(arena.descriptor, nbytes, offset)


def test_an_arena_knows_what_it_holds() -> None:
    arena, values = Arena(), (c.c_float * 5000)(*range(5000))
    arena.add(c.addressof(values), 4)
    offset = arena.add(c.addressof(values), 20000)
    assert offset % mmap.ALLOCATIONGRANULARITY == 0
    assert arena.size == offset + 20000
    assert arena.holds(offset, c.addressof(values), 20000)
    assert arena.holds(offset, c.addressof(values), 0)
    values[4999] = -1
    assert not arena.holds(offset, c.addressof(values), 20000)
    assert arena.holds(offset, c.addressof(values), 19996)
    arena.discard()


def test_memory_is_kept_for_the_next_pass_only_when_it_came_back() -> None:
    arenas, values = Arenas(), (c.c_float * 9000)(*range(9000))
    first = arenas.take()
    first.add(c.addressof(values), 36000)
    number = arenas.lend(first)
    second = arenas.take()
    assert second.descriptor != first.descriptor
    assert content(first, 0, 36000) == bytes(values)
    arenas.take_back([number])
    again = arenas.take()
    assert again is first
    assert again.size == 1
    values[0] = 7
    assert (again.add(c.addressof(values), 4), again.size) == (0, 4)
    # partly into what was there, partly beyond it
    offset = again.add(c.addressof(values), 36000)
    assert again.size == offset + 36000 > 36000
    assert content(again, 0, 4) + content(again, offset, 36000) == bytes(values)[:4] + bytes(values)
    assert again.holds(offset, c.addressof(values), 36000)
    again.discard()
    second.discard()


def test_values_may_be_made_where_they_belong() -> None:
    values = (c.c_float * 9000)(*range(9000))
    arena, targets = Arena(), []

    def write(target: int) -> None:
        targets.append(target)
        c.memmove(target, c.addressof(values), 36000)

    for _ in range(2):  # the second time into memory that is there
        offsets = [arena.make(36000, write), arena.make(36000, write)]
        assert content(arena, offsets[1], 36000) == content(arena, 0, 36000) == bytes(values)
        assert (offsets[0], arena.size) == (0, offsets[1] + 36000)
        arena.clear()
    assert targets[0] == targets[1]
    assert targets[3] - targets[2] == offsets[1]
    arena.discard()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_that_came_back_the_larger_is_kept(order: tuple[int, int]) -> None:
    arenas, values = Arenas(), (c.c_float * 9000)()
    lent = [arenas.take(), arenas.take()]
    lent[1].add(c.addressof(values), 36000)
    numbers = [arenas.lend(arena) for arena in lent]
    arenas.take_back([numbers[index] for index in order])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lent[0].descriptor)
    assert arenas.take() is lent[1]
    lent[1].discard()
