"""The parts of the llama.cpp engine that need no library: struct layouts, messages, providers."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from apr.engines.llama_cpp import wire
from apr.engines.llama_cpp.abi import (
    AbiError,
    Library,
    Params,
    keep_on_cpu,
    locate_context,
    locate_extra_buffers,
    locate_offloads,
)
from apr.engines.llama_cpp.providers import find_provider, providers
from apr.errors import OracleAbsent

if TYPE_CHECKING:
    from pathlib import Path

FLOATS = struct.unpack("<8I", struct.pack("<8f", 0, 0, -1, -1, -1, -1, 0, -1))


def context_words(between: int = 3, enums: int = 4, extra_tail: int = 0) -> list[int]:
    """Default words of llama_context_params, with more or fewer fields in front of the thread counts and at the end."""
    words = [512, 2048, 512, 1, *[0] * between, 4, 4, 0, *[0xFFFFFFFF] * enums, *FLOATS]
    words += [0] * (len(words) % 2)  # pointers are aligned
    return [*words, 0, 0, 0, 0, 1, 1, *[0] * extra_tail, 0x01010000, 1, *[0] * 64]


def pack(words: list[int]) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


@pytest.mark.parametrize("between", [1, 3, 5])
@pytest.mark.parametrize("extra_tail", [0, 2])
def test_fields_are_found_wherever_they_moved(between: int, extra_tail: int) -> None:
    words = context_words(between, extra_tail=extra_tail)
    layout = locate_context(pack(words))
    assert words[layout.n_threads // 4 : layout.n_threads // 4 + 2] == [4, 4]
    assert words[layout.flash_attn_type // 4] == 0xFFFFFFFF
    assert layout.flash_attn_type // 4 == 4 + between + 2 + 1 + 3
    assert words[layout.type_k // 4 : layout.type_k // 4 + 2] == [1, 1]
    assert layout.cb_eval == layout.type_k - 16
    assert layout.cb_eval % 8 == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([0, *context_words()[1:]], "default sizes"),
        ([word if word != 4 else 8 for word in context_words()], "thread counts"),
        (context_words(enums=3), "flash attention"),
        ([word if word != 1 else 0 for word in context_words()], "cb_eval"),
    ],
)
def test_a_layout_that_is_not_recognised_is_refused(words: list[int], message: str) -> None:
    with pytest.raises(AbiError, match=message):
        locate_context(pack(words))


def test_extra_buffers_is_the_last_true_boolean() -> None:
    raw = bytearray(128)
    raw[72:80] = bytes([0, 1, 0, 0, 1, 0, 0, 0])
    assert locate_extra_buffers(bytes(raw)) == 76
    raw[72:80] = bytes([0, 0, 1, 0, 0, 0, 0, 0])
    assert locate_extra_buffers(bytes(raw)) == 74
    raw[72:80] = bytes(8)
    assert locate_extra_buffers(bytes(raw)) is None
    raw[75] = 7
    assert locate_extra_buffers(bytes(raw)) is None, "not booleans: left alone"


def test_extra_buffers_of_builds_with_a_field_less() -> None:
    raw = bytearray(128)
    raw[64:72] = bytes([0, 1, 0, 0, 1, 0, 0, 0])  # booleans where newer builds have a null pointer
    raw[72:80] = b"\x34\x12\0\0\0\x7f\0\0"  # behind the struct
    assert locate_extra_buffers(bytes(raw)) == 68


@pytest.mark.parametrize("content", [b"no library at all", b""])
def test_a_file_that_is_no_library(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libllama.so"
    path.write_bytes(content)
    with pytest.raises(AbiError, match="cannot be opened"):
        Library(path)


def test_messages_and_descriptors_arrive_whole(tmp_path: Path) -> None:
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    path = tmp_path / "shared"
    path.write_bytes(b"payload")
    # larger than the socket's buffer, so both ends have to loop
    message = {"text": "x" * 1_000_000}
    with a, b, path.open("rb") as file:
        import threading

        sender = threading.Thread(target=wire.send, args=(a, message, file.fileno()))
        sender.start()
        received, descriptor = wire.receive(b)
        sender.join()
        assert received == message
        assert descriptor is not None
        assert os.pread(descriptor, 7, 0) == b"payload"
        os.close(descriptor)
        wire.send(a, {"do": "nothing"})
        assert wire.receive(b) == ({"do": "nothing"}, None)
        a.close()
        with pytest.raises(EOFError):
            wire.receive(b)


def test_an_explicit_library_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "libllama.so"
    library.write_bytes(b"mine")
    monkeypatch.setenv("APR_LLAMA_LIB", str(library))
    assert providers()[0].library == library
    assert find_provider().build.startswith("APR_LLAMA_LIB sha256:")
    before = find_provider().build
    library.write_bytes(b"rebuilt")
    assert find_provider().build != before


def test_an_explicit_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APR_LLAMA_LIB", "/nowhere/libllama.so")
    with pytest.raises(OracleAbsent, match=r"APR_LLAMA_LIB names '/nowhere/libllama.so'"):
        find_provider()


def test_a_provider_that_is_not_installed() -> None:
    with pytest.raises(OracleAbsent, match=r"koboldcpp is not installed.*pip install koboldcpp"):
        find_provider("koboldcpp")


def test_packages_are_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, library, distribution in (
        ("llama_cpp", "lib/libllama.so", "llama_cpp_python-9.9"),
        ("xllamacpp", "xllamacpp.abi3.so", "xllamacpp-8.8"),
    ):
        file = tmp_path / package / library
        file.parent.mkdir(parents=True)
        file.touch()
        (tmp_path / package / "__init__.py").touch()
        info = tmp_path / f"{distribution}.dist-info"
        info.mkdir()
        name, _, version = distribution.partition("-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    monkeypatch.delenv("APR_LLAMA_LIB", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert [(p.name, p.version) for p in providers()] == [("llama-cpp-python", "9.9"), ("xllamacpp", "8.8")]
    assert find_provider("xllamacpp").library == tmp_path / "xllamacpp" / "xllamacpp.abi3.so"


@pytest.mark.parametrize("in_front", [0, 8])
def test_offloads_are_found_behind_the_cache_types(in_front: int) -> None:
    raw = bytearray(pack(context_words()))
    layout = locate_context(bytes(raw))
    start = layout.type_k + 8 + 16 + in_front
    raw[layout.type_k + 8 :] = bytes(len(raw) - layout.type_k - 8)
    assert locate_offloads(bytes(raw), layout) == ()
    raw[start : start + 6] = bytes([0, 1, 1, 1, 1, 0])
    assert locate_offloads(bytes(raw), layout) == (start + 1, start + 3)


@pytest.mark.parametrize(("default", "expected"), [(0xFFFFFFFF, 0), (999, 0), (0, 0), (0x7F00_1234, 0x7F00_1234)])
def test_layers_stay_on_the_cpu_where_the_field_is_recognised(default: int, expected: int) -> None:
    params = Params()
    params.put(16, "<I", default)
    keep_on_cpu(params)
    assert struct.unpack_from("<I", params.raw, 16)[0] == expected
