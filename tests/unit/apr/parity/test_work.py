"""Units of work: a worker has all that a unit looks at, and finds in it, to the last bit, what is found here."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import fsspec
import numpy as np
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileOpener
from fsspec.spec import AbstractBufferedFile

import apr
from apr.cache.place import models_dir, write_stamp
from apr.capture import Capture, Provenance
from apr.engines.reference import Reference
from apr.errors import UnusableInput, UsageError
from apr.formats import open_model
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.codec import BadRecord, encode
from apr.parity.executors.local import Local
from apr.parity.explain import look_closer
from apr.parity.measure import Filters, measure
from apr.parity.sides import Judge, Side
from apr.parity.work.compare import compare
from apr.parity.work.job import Answer, Job
from apr.parity.work.joining import in_order
from apr.parity.work.models import ModelIdentity, Models, Watched, identity_of
from apr.parity.work.remote import measure_job
from apr.parity.work.setting import needed
from apr.parity.work.software import difference, software, source_digest
from apr.parity.work.storage import Storage, fetch
from apr.parity.work.unit import Done, Findings, Unit
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apr.capture import Array
    from apr.parity.result import Measurement
    from apr.parity.work.setting import Setting

TOKENS = [5, 9, 200, 17, 42, 9, 33, 100]
ARCHITECTURES = ("llama", "qwen2", "qwen3", "qwen3moe")


class Restricted(Local):
    """Measures each unit with nothing but the stages that a worker would have."""

    def run(self, units: Sequence[Unit], setting: Setting) -> Iterator[Done]:
        for unit in units:
            wanted = needed(unit.key, setting)
            ours, theirs = (
                Capture(each.provenance, {key: each[key] for key in wanted if key in each.stages})
                for each in (setting.ours, setting.theirs)
            )
            yield Done(unit, compare(unit, replace(setting, ours=ours, theirs=theirs, known={})))


@dataclass
class Texts(Local):
    """Sends each unit as a text to the function that workers run, in this process, last unit first."""

    folder: Path
    change: Callable[[Job], Job] = lambda job: job

    def __post_init__(self) -> None:
        super().__init__()

    def run(self, units: Sequence[Unit], setting: Setting) -> Iterator[Done]:
        subject, oracle = (None if judge is None else identity_of(judge.file) for judge in setting.judges)
        fed = "" if setting.fed is None else setting.fed.arithmetic.name
        with Storage(str(self.folder)) as storage:
            laid = [
                storage.put(setting.ours, "subject", setting.plan.prompt),
                storage.put(setting.theirs, "oracle", setting.plan.prompt),
            ]
            for unit in reversed(units):
                pieces = tuple(side[key] for side in laid for key in needed(unit.key, setting) if key in side)
                job = Job(unit, setting.plan, software(), subject, oracle, fed, True, pieces)
                self.answer = Answer.parse(measure_job(self.change(job).text(), "here"))
                if self.answer.findings is None:
                    assert self.answer.refusal is not None
                    raise UsageError(self.answer.refusal.problem)
                yield Done(unit, self.answer.findings)


@dataclass
class Pair:
    """A faulty recording of a model and the reference over the same file."""

    path: Path

    def __post_init__(self) -> None:
        self.file = open_model(self.path)
        self.judge = Judge(self.file)

    def stock(self, arithmetic: str) -> Side:
        engine = Reference(self.file, ARITHMETICS[arithmetic], self.judge.model(arithmetic))
        return Side(f"numpy:{arithmetic}", engine, self.judge, stock=True)

    def faulty(self) -> Callable[..., Capture]:
        """Captures of which every stage is a little wrong, so that every stage is looked at closely."""

        def take(side: Side, tokens: Sequence[int], _filters: Filters) -> Capture:
            made = side.engine.capture(tokens)
            if side.stock:
                return made
            random = np.random.default_rng(7)
            for key, array in made.stages.items():
                if key.stage != "moe_router_indices":
                    off = array * (1 + 1e-3 * random.standard_normal(array.shape)).astype(array.dtype)
                    made.stages[key] = np.asfortranarray(off) if key.stage == "attn_out" else off
            return made

        return take

    def outside(self) -> Side:
        """The reference as a program that cannot be fed."""
        engine = Reference(self.file, ARITHMETICS["f32"], self.judge.model("f32"))
        return Side("cmd:…", Outside(engine), self.judge)  # type: ignore[arg-type] # as much of an engine as is asked for

    def measured(self, subject: Side, oracle: Side, executor: Local, prompts: int = 1) -> Measurement:
        tokens = [TOKENS[: len(TOKENS) - 2 * prompt] for prompt in range(prompts)]
        return measure(subject, oracle, tokens, captures=self.faulty(), look_closer=look_closer, executor=executor)


@dataclass
class Outside:
    """What a side asks of an engine that is somebody's program."""

    engine: Reference

    def __post_init__(self) -> None:
        self.name, self.build, self.arithmetic = "outside", "1", "f32"

    def capture(self, tokens: Sequence[int]) -> Capture:
        made = self.engine.capture(tokens)
        return Capture(replace(made.provenance, engine=self.name), made.stages)


def told(made: Measurement) -> str:
    """A measurement as text, every bit of it, but for where it was made."""
    fields = (made.subject, made.oracle, made.expected, made.cells, made.notes, made.incomparable)
    return json.dumps([encode(fields), [encode(one) for one in made.missing]])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("fed", [True, False])
def test_a_unit_looks_at_nothing_that_a_worker_would_not_have(
    tiny_model: Callable[..., Path], architecture: str, fed: bool
) -> None:
    pair = Pair(tiny_model(architecture, "Q8_0"))
    sides = (pair.stock("ggml"), pair.outside()) if fed else (pair.outside(), pair.stock("f64"))
    whole = pair.measured(*sides, Local())
    assert sum(cell.kind is not None for cell in whole.cells) > 10, "stages were looked at closely"
    assert told(pair.measured(*sides, Restricted())) == told(whole)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_comes_back_as_text_in_any_order_is_what_is_found_here(
    tiny_model: Callable[..., Path], tmp_path: Path, architecture: str
) -> None:
    pair = Pair(tiny_model(architecture, "Q8_0"))
    sides = pair.stock("f32"), pair.outside()
    (tmp_path / "captures").mkdir()
    here = pair.measured(*sides, Local(), prompts=2)
    assert told(pair.measured(*sides, Texts(tmp_path / "captures"), prompts=2)) == told(here)
    assert not list((tmp_path / "captures").iterdir()), "captures are gone when the run is over"


def test_numbers_that_json_lacks_and_stages_that_are_missing_come_back_too(
    tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    pair = Pair(tiny_model("llama", "Q8_0"))

    def broken(executor: Local) -> str:
        def take(side: Side, tokens: Sequence[int], _filters: Filters) -> Capture:
            made = side.engine.capture(tokens)
            if not side.stock:
                made.stages[StageKey("ffn_up", 0)] = made.stages[StageKey("ffn_up", 0)] * np.float32("inf")
                made.stages[StageKey("attn_norm", 1)][2, 3] = np.nan
                del made.stages[StageKey("attention", 1)]
            return made

        found = measure(
            pair.outside(), pair.stock("f64"), [TOKENS], captures=take, look_closer=look_closer, executor=executor
        )
        assert len(found.missing) == 2, "the stage itself, and the one that reads it"
        return told(found)

    assert broken(Texts(tmp_path)) == broken(Local())


def test_findings_of_another_unit_or_of_none_are_no_findings() -> None:
    units = [Unit(place, StageKey("ffn_up", place)) for place in range(3)]
    done = [Done(unit, Findings(unit.index, unit.key)) for unit in units]
    seen: list[StageKey] = []
    assert in_order(reversed(done), units, seen.append) == [each.findings for each in done]
    assert seen == [unit.key for unit in reversed(units)]

    def refused(come: Sequence[Done], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            in_order(come, units, lambda _key: None)

    refused(done[:2], "1 units were never measured, first layer-2/ffn_up")
    refused([*done, done[0]], "measured before")
    refused([*done[:2], Done(units[2], Findings(1, units[1].key))], "came back as 1, layer-1/ffn_up")
    refused([*done[:2], Done(units[2], Findings(1, units[2].key))], "came back as 1, layer-2/ffn_up")
    refused([Done(Unit(0, StageKey("ffn_up", 1)), done[0].findings)], "was not asked for")


def test_a_worker_refuses_another_file_other_software_and_captures_that_changed(
    tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    pair = Pair(tiny_model("llama", "Q8_0"))
    sides = pair.stock("f32"), pair.outside()

    def refused(change: Callable[[Job], Job], match: str) -> None:
        with pytest.raises(UsageError, match=match):
            pair.measured(*sides, Texts(tmp_path, change))

    def other_file(job: Job) -> Job:
        return replace(job, oracle=ModelIdentity(str(pair.path), "0" * 64))

    def no_file(job: Job) -> Job:
        return replace(job, subject=ModelIdentity(str(tmp_path / "gone.gguf"), pair.file.sha256))

    def other_numpy(job: Job) -> Job:
        return replace(job, software=replace(job.software, versions={**job.software.versions, "numpy": "1.0"}))

    def other_bytes(job: Job) -> Job:
        return replace(job, pieces=tuple(replace(piece, sha256="0" * 64) for piece in job.pieces))

    def other_layer(job: Job) -> Job:
        key = StageKey("ffn_up", 1)
        return replace(job, unit=Unit(job.unit.index, key)) if job.unit.key == StageKey("ffn_up", 0) else job

    refused(other_file, "is another model file: its sha256 is")
    refused(no_file, "there is no such model file here")
    refused(other_numpy, r"may not measure: numpy is .* there and 1\.0 here")
    refused(other_bytes, "is not what was captured")
    with pytest.raises(ValueError, match="came back as"):
        pair.measured(*sides, Texts(tmp_path, other_layer))


def test_a_file_that_is_replaced_while_it_is_open_is_another(tiny_model: Callable[..., Path]) -> None:
    path = tiny_model("llama", "F32")
    models, meant = Models(), identity_of(open_model(path))
    first = models.get(meant)
    assert models.get(meant) is first, "it is opened once"
    other = tiny_model("llama", "F32", "other.gguf", seed=1)
    other.replace(path)
    with pytest.raises(UnusableInput, match="is another model file"):
        models.get(meant)


def test_a_process_keeps_two_models_open(tiny_model: Callable[..., Path]) -> None:
    meant = [identity_of(open_model(tiny_model("llama", "F32", f"{seed}.gguf", seed=seed))) for seed in range(3)]
    models = Models()
    opened = [models.get(each) for each in meant]
    assert [models.get(each) for each in meant[1:]] == opened[1:]
    assert models.get(meant[0]) is not opened[0], "the one that was opened first made room"


def test_what_counts_reading_lets_pages_go(tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    file = open_model(tiny_model("llama", "F32"))
    gone: list[str] = []
    monkeypatch.setattr(file, "release", gone.append)
    Watched(file).release("output_norm.weight")
    assert gone == ["output_norm.weight"]


def test_a_file_is_found_by_its_hash_where_the_path_leads_nowhere(
    tiny_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APR_CACHE_DIR", str(tmp_path / "cache"))
    path = tiny_model("llama", "F32")
    meant = identity_of(open_model(path))
    models_dir().mkdir(parents=True)
    pulled = path.rename(models_dir() / "pulled.gguf")
    write_stamp(pulled, meant.sha256, "hf://somebody/something", "hub")
    assert Models().get(meant).file.path == pulled


def test_a_unit_reads_the_weights_of_its_own_layer_alone(tiny_model: Callable[..., Path]) -> None:
    path = tiny_model("llama", "Q8_0", layers=3)
    opened = Models().get(identity_of(open_model(path)))
    model, ran = opened.judge.model("f64"), Pair(path).stock("f32").engine.capture(TOKENS)
    for key in model.stage_keys():
        opened.file.asked.clear()
        model.compute(key, np.asarray(TOKENS), np.arange(len(TOKENS)), ran.stages)
        whole = {"output_norm.weight", "output.weight", "token_embd.weight"}
        own = f"blk.{key.layer}."
        assert all(name.startswith(own) or name in whole for name in opened.file.asked), (key, opened.file.asked)
        assert bool(opened.file.asked) == (key.stage in READ), key


READ = {
    "embedding", "attn_norm", "qkv_matmul", "attn_out", "ffn_norm", "ffn_gate", "ffn_up", "ffn_out", "final_norm", "lm_head",
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_an_array_comes_back_as_it_lay_in_memory(tmp_path: Path, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counting(file: Any, size: int = -1) -> Any:
        asked.append(size)
        return file.f.read(size)

    monkeypatch.setattr(LocalFileOpener, "read", counting)
    keys = [StageKey("ffn_up", 3), StageKey("ffn_gate", 3), StageKey("lm_head", None)]
    plain: Array = np.arange(12).reshape(3, 4).astype(dtype)
    arrays = dict(zip(keys, (plain, np.asfortranarray(plain * 2), (plain * 3)[:, ::2]), strict=True))
    made = Capture(Provenance("numpy", "1", "f32", "llama", "", (1, 2, 3), (0, 1, 2)), arrays)
    with Storage(f"file://{tmp_path}") as storage:
        pieces = storage.put(made, "oracle", 0)
        back, read = fetch([pieces[keys[1]], pieces[keys[2]]])
        assert read == arrays[keys[1]].nbytes + arrays[keys[2]].nbytes < storage.written
        assert asked == [arrays[key].nbytes for key in keys[1:]], "no other bytes are read"
        assert set(back["oracle"]) == set(keys[1:])
        for key in keys[1:]:
            assert back["oracle"][key].dtype == dtype
            assert (back["oracle"][key] == arrays[key]).all()
        assert back["oracle"][keys[1]].flags.f_contiguous
        storage.drop(pieces.values())
        with pytest.raises(FileNotFoundError):
            fetch([pieces[keys[0]]])


class FarFile(AbstractBufferedFile):  # type: ignore[misc] # fsspec has no types
    """A file of an object store: whatever is fetched of it has to travel."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        self.fs.fetched.append((start, end))
        return Path(self.path).read_bytes()[start:end]


class FarFiles(AbstractFileSystem):  # type: ignore[misc] # as above
    """An object store; says which bytes were fetched."""

    protocol, cachable = "far", False
    fetched: ClassVar[list[tuple[int, int]]] = []

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        return {"name": path, "size": Path(path).stat().st_size, "type": "file"}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> FarFile:
        return FarFile(self, path, mode, **options)


def test_nothing_is_fetched_ahead(tmp_path: Path) -> None:
    fsspec.register_implementation("far", FarFiles, clobber=True)
    FarFiles.fetched.clear()
    told = Provenance("numpy", "1", "f32", "llama", "", (1, 2, 3), (0, 1, 2))
    array = np.ones((3, 4), np.float32)
    with Storage(str(tmp_path)) as storage:
        laid = storage.put(
            Capture(told, {StageKey("ffn_up", 0): array, StageKey("ffn_gate", 0): array * 2}), "oracle", 0
        )
        first = min(laid.values(), key=lambda piece: piece.offset)  # behind it there is something to read
        fetch([replace(first, url=first.url.replace("file://", "far://"))])
    assert FarFiles.fetched == [(first.offset, first.offset + array.nbytes)]


@pytest.mark.parametrize("url", ["nowhere://x", "/dev/null/x", "s4"])
def test_a_storage_that_cannot_be_written_is_refused_before_anything_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s4").write_text("a file")
    with pytest.raises(UsageError, match="captured stages cannot be written"):
        Storage(url)


def test_software_differs_by_versions_and_by_source_not_by_processor(tmp_path: Path) -> None:
    own = software()
    assert own.versions["the source of apr"] == source_digest(Path(apr.__file__).parent)
    assert not difference(own, replace(own, machine="another", instruction_sets=()))
    for name in own.versions:
        there = replace(own, versions={**own.versions, name: "other"})
        assert difference(own, there).startswith(f"{name} is other there")
    assert "BLAS is nothing there" in difference(
        own, replace(own, versions={k: v for k, v in own.versions.items() if k != "BLAS"})
    )
    (tmp_path / "a.py").write_text("x = 1\n")
    before = source_digest(tmp_path)
    (tmp_path / "a.py").write_text("x = 2\n")
    assert source_digest(tmp_path) != before


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"])
def test_what_chooses_kernels_is_part_of_the_software(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "elsewhere")
    assert software.__wrapped__().versions[name] == "elsewhere"


def test_what_is_no_job_is_refused() -> None:
    with pytest.raises(BadRecord, match="is not part of this record"):
        Job.parse('{"code": "import os"}')
    with pytest.raises(BadRecord, match="is missing"):
        Answer.parse("{}")
