"""Captures that processes share: the same bits, made once, never another one's, and bounded."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.cache.capture_file import read_capture, write_capture
from apr.cache.captures import CaptureKey, CaptureStore
from apr.capture import Capture, Provenance
from apr.errors import UnusableInput
from apr.mutants.captures import MUTANTS, Tampered
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = CaptureKey("m" * 64, (3, 1, 2), "an engine", "7", "l" * 64, "ggml", ("AVX2",), "all", "s" * 64, "")
OTHER: dict[str, Any] = {
    "model": "n" * 64,
    "tokens": (3, 1),
    "engine": "another",
    "build": "8",
    "library": "",
    "arithmetic": "f32",
    "options": ("AVX512",),
    "stages": "layer-0/attn_out",
    "source": "t" * 64,
    "fault": "nan-in-stage",
}


def capture_of(key: CaptureKey, start: float = 0.0) -> Capture:
    """Every dtype, and every kind of number that equality cannot see."""
    odd = np.array([[0.0, -0.0, np.inf], [-np.inf, 1e-45, 3.0]], np.float32)
    odd.view(np.uint32)[1, 2] = 0x7FC0BEEF  # NaN with something in it
    stages: dict[StageKey, Any] = {
        StageKey("attn_out", 0): odd,
        StageKey("moe_router_indices", 0): np.array([[7, 1]], np.int32),
        StageKey("attn_out", 11): np.arange(12, dtype=np.float32).reshape(4, 3) + np.float32(start),
        StageKey("lm_head", None): np.array([[start, 1 / 3]]),
    }
    told = Provenance(key.engine, key.build, key.arithmetic, "llama", key.model, key.tokens, (0, 1, 2), "w" * 64)
    return Capture(told, stages)


def same(a: Capture, b: Capture) -> bool:
    return (
        a.provenance == b.provenance
        and list(a.stages) == list(b.stages)
        and all(
            a[key].dtype == b[key].dtype and a[key].shape == b[key].shape and a[key].tobytes() == b[key].tobytes()
            for key in a.stages
        )
    )


class Maker:
    """Makes captures and counts how many."""

    def __init__(self, key: CaptureKey = KEY, start: float = 0.0) -> None:
        self.key, self.start, self.calls = key, start, 0

    def __call__(self) -> Capture:
        self.calls += 1
        return capture_of(self.key, self.start)


@pytest.fixture
def remarks() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, remarks: list[str]) -> CaptureStore:
    return CaptureStore(tmp_path / "captures", remarks.append)


def kept(store: CaptureStore) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in store.folder.glob("*.safetensors"))


def test_what_is_taken_again_is_bit_for_bit_what_was_made(store: CaptureStore, remarks: list[str]) -> None:
    make = Maker()
    first, again = store.take(KEY, make), store.take(KEY, make)
    assert (make.calls, remarks) == (1, [])
    assert same(first, capture_of(KEY))
    assert same(again, capture_of(KEY))
    for array in again.stages.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_any_reader_of_safetensors_reads_it(store: CaptureStore) -> None:
    from safetensors.numpy import load_file

    store.take(KEY, Maker())
    (path,) = store.folder.glob("*.safetensors")
    read = load_file(path)
    expected = capture_of(KEY)
    assert {name: array.tobytes() for name, array in read.items()} == {
        str(key): array.tobytes() for key, array in expected.stages.items()
    }


@pytest.mark.parametrize("name", [field.name for field in fields(CaptureKey)])
def test_what_differs_in_anything_is_another_capture(store: CaptureStore, name: str) -> None:
    other = replace(KEY, **{name: OTHER[name]})
    store.take(KEY, Maker())
    assert same(store.take(other, Maker(other, 5.0)), capture_of(other, 5.0))
    assert same(store.take(KEY, Maker()), capture_of(KEY))
    assert len(kept(store)) == 2


def takes_sound_and_faulty(store: CaptureStore) -> None:
    """What a session does that runs a claim and its mutant: each gets its own."""

    class Engine:
        name, build, arithmetic = KEY.engine, KEY.build, KEY.arithmetic

        def capture(self, _tokens: object) -> Capture:
            return capture_of(KEY)

    engine: Any = Engine()
    faulty = Tampered(engine, MUTANTS["nan-in-stage"])
    sound = store.take(KEY, lambda: engine.capture(KEY.tokens))
    broken = store.take(replace(KEY, fault="nan-in-stage"), lambda: faulty.capture(KEY.tokens))
    place = MUTANTS["nan-in-stage"].key
    assert np.isfinite(sound[place]).all()
    assert np.isnan(broken[place]).any()


def test_a_faulty_engines_captures_are_not_the_sound_ones(
    store: CaptureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes_sound_and_faulty(store)
    # the check can fail: with a key that does not know of faults, the mutant would be held against what is sound
    whole = CaptureKey.text.fget  # type: ignore[attr-defined] # a property
    monkeypatch.setattr(CaptureKey, "text", property(lambda key: whole(replace(key, fault=""))))
    with pytest.raises(AssertionError):
        takes_sound_and_faulty(CaptureStore(tmp_path / "unaware", print))


def test_two_at_once_make_it_once(store: CaptureStore) -> None:
    together = threading.Barrier(2)
    makers, taken = [Maker(), Maker()], []

    def work(make: Maker) -> None:
        def slowly() -> Capture:
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(0.3)  # it breaks, unless both are here because nothing keeps them apart
            return make()

        taken.append(store.take(KEY, slowly))

    threads = [threading.Thread(target=work, args=(make,)) for make in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(make.calls for make in makers) == 1
    assert all(same(one, capture_of(KEY)) for one in taken)
    assert len(taken) == 2


def flipped(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: flipped(raw, 0),
        lambda raw: flipped(raw, 7),
        lambda raw: flipped(raw, 12),
        lambda raw: flipped(raw, raw.index(b"weights_sha256") + 20),
        lambda raw: flipped(raw, raw.index(b'"shape"') + 10),
        lambda raw: flipped(raw, len(raw) // 2),
        lambda raw: flipped(raw, len(raw) - 1),
        lambda raw: raw[:-4],
        lambda raw: raw[:9],
        lambda raw: raw[:3],
        lambda _raw: b"",
        lambda raw: raw + b"\0",
        lambda raw: raw[:8] + b"[]" + raw[10:],
    ],
)
def test_what_was_changed_is_thrown_away_and_made_again(
    store: CaptureStore, remarks: list[str], harm: Callable[[bytes], bytes]
) -> None:
    store.take(KEY, Maker())
    (path,) = store.folder.glob("*.safetensors")
    path.write_bytes(harm(path.read_bytes()))
    make = Maker()
    assert same(store.take(KEY, make), capture_of(KEY))
    assert make.calls == 1
    assert len(remarks) == 1
    assert remarks[0].startswith("a kept capture is thrown away and made again: ")
    assert str(path) in remarks[0]
    assert same(store.take(KEY, make), capture_of(KEY))
    assert make.calls == 1


def test_every_byte_is_covered(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    write_capture(path, capture_of(KEY), KEY.text)
    raw = path.read_bytes()
    blank = len(raw) - sum(array.nbytes for array in capture_of(KEY).stages.values())
    while raw[blank - 1 : blank] == b" ":  # what fills the head up says nothing
        blank -= 1
    for place in {*range(0, blank, 7), *range(len(raw) - 60, len(raw))}:
        path.write_bytes(flipped(raw, place))
        with pytest.raises(UnusableInput):
            read_capture(path, KEY.text)


def test_a_file_under_another_key_is_not_believed(store: CaptureStore, remarks: list[str]) -> None:
    other = replace(KEY, fault="nan-in-stage")
    store.take(other, Maker(other, 9.0))
    (path,) = store.folder.glob("*.safetensors")
    path.rename(store.folder / f"{KEY.digest}.safetensors")
    assert same(store.take(KEY, Maker()), capture_of(KEY))
    assert "stands under the key of another capture" in remarks[0]


def test_what_was_not_used_for_longest_goes_first(store: CaptureStore, tmp_path: Path, remarks: list[str]) -> None:
    keys = [replace(KEY, source=str(index)) for index in range(4)]
    one = sum(array.nbytes for array in capture_of(KEY).stages.values())
    store.take(keys[0], Maker())
    (path,) = store.folder.glob("*.safetensors")
    bounded = CaptureStore(tmp_path / "bounded", remarks.append, limit=3 * path.stat().st_size + one)
    for age, key in enumerate(keys[:3]):
        bounded.take(key, Maker())
        os.utime(bounded.folder / f"{key.digest}.safetensors", (age, age))
    bounded.take(keys[0], Maker())  # used again
    bounded.take(keys[3], Maker())
    assert len(kept(bounded)) == 4
    bounded.take(replace(KEY, source="5"), Maker())
    assert keys[1].digest not in kept(bounded)
    assert {keys[0].digest, keys[2].digest, keys[3].digest} < set(kept(bounded))
    assert remarks == []


def test_what_is_thrown_away_while_it_is_looked_at_stays_whole(tmp_path: Path) -> None:
    store = CaptureStore(tmp_path, print)
    store.take(KEY, Maker())
    seen = store.take(KEY, Maker())
    (path,) = tmp_path.glob("*.safetensors")
    path.unlink()
    assert same(seen, capture_of(KEY))


def test_what_is_larger_than_everything_is_not_kept(tmp_path: Path, remarks: list[str]) -> None:
    store = CaptureStore(tmp_path / "small", remarks.append, limit=10)
    make = Maker()
    assert same(store.take(KEY, make), capture_of(KEY))
    assert same(store.take(KEY, make), capture_of(KEY))
    assert (make.calls, kept(store)) == (2, [])
    assert "10 are allowed" in remarks[0]


def test_who_cannot_make_it_leaves_nothing(store: CaptureStore) -> None:
    def broken() -> Capture:
        raise OSError("the engine crashed")

    with pytest.raises(OSError, match="the engine crashed"):
        store.take(KEY, broken)
    assert kept(store) == []
    assert same(store.take(KEY, Maker()), capture_of(KEY))


@pytest.mark.parametrize("name", ["model", "tokens", "engine", "build", "arithmetic"])
def test_a_capture_of_something_else_is_refused(store: CaptureStore, name: str) -> None:
    with pytest.raises(ValueError, match="a capture that says"):
        store.take(KEY, Maker(replace(KEY, **{name: OTHER[name]})))
    assert kept(store) == []


def test_without_a_folder_it_goes_on(tmp_path: Path, remarks: list[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    store = CaptureStore(tmp_path / "file" / "captures", remarks.append)
    assert same(store.take(KEY, Maker()), capture_of(KEY))
    assert "captures are not kept" in remarks[0]
    with pytest.raises(ValueError, match="a capture that says"):
        store.take(KEY, Maker(replace(KEY, model=OTHER["model"])))


def test_while_it_is_written_there_is_what_was_there_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path as AnyPath

    path = tmp_path / "c.safetensors"
    write_capture(path, capture_of(KEY), KEY.text)
    renamed: list[bool] = []
    rename = AnyPath.replace

    def looked_at(beside: AnyPath, target: AnyPath) -> AnyPath:
        renamed.append(same(read_capture(target, KEY.text), capture_of(KEY)))
        return rename(beside, target)

    monkeypatch.setattr(AnyPath, "replace", looked_at)
    write_capture(path, capture_of(KEY, 9.0), KEY.text)
    assert renamed == [True]
    assert same(read_capture(path, KEY.text), capture_of(KEY, 9.0))


def test_two_captures_are_kept_one_after_the_other(store: CaptureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    together, met = threading.Barrier(2), []

    def slowly(path: Path, capture: Capture, key: str) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.3)  # as above
            met.append(key)
        write_capture(path, capture, key)

    monkeypatch.setattr("apr.cache.captures.write_capture", slowly)
    keys = [KEY, replace(KEY, source="another")]
    threads = [threading.Thread(target=store.take, args=(key, Maker(key))) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == []
    assert len(kept(store)) == 2


def test_a_disk_that_is_full_leaves_nothing_half_written(
    store: CaptureStore, remarks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path as AnyPath

    def full(_self: AnyPath, _target: AnyPath) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(AnyPath, "replace", full)
        assert same(store.take(KEY, Maker()), capture_of(KEY))
    assert [path.name for path in store.folder.iterdir() if not path.name.endswith(".lock")] == []
    assert remarks == [f"{store.folder}: a capture is not kept: No space left on device"]
