"""`apr parity --scheduler` with a real scheduler and real workers, each a process of its own on the loopback address."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

import apr as package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

TOKENS = ("--tokens", "5,9,200,17,42")
SCHEMA = Path(package.__file__).parent / "parity" / "schema" / "apr-parity-v1.schema.json"
# what a scheduler loads: it writes down the most units that it ever had at once
WATCH = """
from distributed import SchedulerPlugin

OUT = ("waiting", "queued", "no-worker", "processing")

class Most(SchedulerPlugin):
    def __init__(self, scheduler):
        self.scheduler, self.most = scheduler, 0
    def transition(self, key, start, finish, *args, **kwargs):
        here = sum(name.startswith("apr-parity-") and task.state in OUT for name, task in self.scheduler.tasks.items())
        if here > self.most:
            self.most = here
            open({path!r}, "w").write(str(here))

def dask_setup(scheduler):
    scheduler.add_plugin(Most(scheduler), name="most")
"""
# what a worker loads: its process is gone in the middle of its second unit, when it has begun to compute
DIE = """
import os, time
from apr.parity.work import remote

sound, seen = getattr(remote, "sound", remote.compare), []  # this may be loaded twice
remote.sound = sound

def compare(unit, setting):
    seen.append(unit)
    if {fatal}:
        time.sleep(0.3)
        os._exit(9)
    return sound(unit, setting)

remote.compare = compare
"""
# what a scheduler loads: it is gone when it has seen three results
LEAVE = """
import os
from distributed import SchedulerPlugin

class Leave(SchedulerPlugin):
    seen = 0
    def transition(self, key, start, finish, *args, **kwargs):
        self.seen += str(key).startswith("apr-parity-") and finish == "memory"
        if self.seen == 3:
            os._exit(9)

def dask_setup(scheduler):
    scheduler.add_plugin(Leave(), name="leave")
"""
# what a worker loads: it is given one layer and measures another
WRONG_LAYER = """
from dataclasses import replace
from apr.parity.work import remote

sound = getattr(remote, "sound", remote.compare)  # this may be loaded twice
remote.sound = sound

def compare(unit, setting):
    key = unit.key
    found = sound(unit, setting)
    return replace(found, key=key._replace(layer=1 - key.layer)) if key.stage == "ffn_up" else found

remote.compare = compare
"""


class Apr:
    """The program, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "apr", "parity", *map(str, arguments)],
            cwd=self.folder, env=os.environ | environment, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, maker: ModuleType) -> Path:
    """A folder with a model, a recording of it with a fault, and what a local run says of both."""
    folder = tmp_path_factory.mktemp("room")
    maker.write_model(folder / "model.gguf", maker.Spec("llama", "Q8_0"))
    subprocess.run(
        [sys.executable, "-m", "apr", "trace", "model.gguf", "--save-tensor", "all", "--save-tensor-layers", "all",
         "--tokens", "5 9 200 17 42", "--arithmetic", "f32", "--output", "theirs"],
        cwd=folder, capture_output=True, check=True,
    )  # fmt: skip
    path = folder / "theirs" / "layer-1" / "ffn_up.bin"
    raw = bytearray(path.read_bytes())
    raw[12 + 4 * (2 * 96 + 7) + 2] ^= 0x40  # position 2, channel 7, a high bit of the fraction
    path.write_bytes(bytes(raw))
    return folder


@pytest.fixture(scope="module")
def local(room: Path) -> str:
    done = Apr(room)("dir:theirs", "--against", "numpy:f64", "model.gguf", "--json", "--no-shrink")
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def make_cluster(dask_cluster: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    def make(*options: str, **environment: str) -> Any:
        return dask_cluster.DaskCluster(tmp_path_factory.mktemp("cluster"), options, environment)

    return make


@pytest.fixture(scope="module")
def cluster(make_cluster: Callable[..., Any]) -> Iterator[Any]:
    """A scheduler for workers of each test's own; a stage of which one died is not tried again."""
    with make_cluster(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as made:
        yield made


def run_record(text: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(text.splitlines()[0])
    return record


def the_same(text: str, other: str) -> bool:
    """Whether two runs say the same, letter by letter, but for where they were made and how they were asked for."""
    one, two = text.splitlines(), other.splitlines()
    apart = []
    for line in (one[0], two[0]):
        record = json.loads(line)
        del record["execution"], record["origin"]["command"]
        apart.append(record)
    return one[1:] == two[1:] and apart[0] == apart[1]


FAULTY = ("dir:theirs", "--against", "numpy:f64", "model.gguf", "--json", "--no-shrink")


def test_two_workers_say_what_one_process_says_bit_for_bit(
    room: Path, make_cluster: Callable[..., Any], local: str, tmp_path: Path
) -> None:
    most, watch, captures = tmp_path / "most.txt", tmp_path / "watch.py", tmp_path / "captures"
    watch.write_text(WATCH.format(path=str(most)))
    with make_cluster("--preload", str(watch)) as two, two.worker(), two.worker():
        done = Apr(room)(*FAULTY, "--scheduler", two.address, "--storage", captures)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    assert the_same(done.stdout, local)
    first = json.loads(done.stdout.splitlines()[-1])["first_divergence"]
    assert (first["stage"], first["layer"], first["position"], first["channel"]) == ("ffn_up", 1, 2, 7)
    record = run_record(done.stdout)
    assert Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).is_valid(record)
    ran = record["execution"]
    assert (ran["executor"], ran["scheduler"], ran["retries"]) == ("dask", two.address, 0)
    assert [one["units"] > 0 for one in ran["workers"]] == [True, True]
    assert sum(one["units"] for one in ran["workers"]) == ran["units"] == len(record["expected"])
    assert 0 < ran["captures_written"] < ran["captures_read"], "a stage is read by those that it feeds too"
    assert ran["weights_read"] > 0
    assert not list(captures.iterdir()), "captures are gone when the run is over"
    # the scheduler itself counted: two for each of two workers' threads, of more than twenty
    assert int(most.read_text()) <= ran["in_flight"] == 4 < len(record["expected"])


def test_a_worker_that_dies_costs_a_retry_and_no_verdict(
    room: Path, make_cluster: Callable[..., Any], local: str, tmp_path: Path
) -> None:
    preload = tmp_path / "die.py"
    preload.write_text(DIE.format(fatal="len(seen) == 2"))
    with make_cluster() as cluster, cluster.worker("--preload", str(preload)) as mortal, cluster.worker():
        done = Apr(room)(*FAULTY, "--scheduler", cluster.address)
        assert done.returncode == 1, done.stderr
        assert mortal.wait() == 9
    assert the_same(done.stdout, local)
    ran = run_record(done.stdout)["execution"]
    assert ran["retries"] == 1
    assert sorted(one["units"] for one in ran["workers"]) == [1, ran["units"] - 1]


def test_a_stage_that_no_worker_survives_is_an_error_that_names_it(room: Path, cluster: Any, tmp_path: Path) -> None:
    preload = tmp_path / "die.py"
    preload.write_text(DIE.format(fatal="str(unit.key) == 'layer-1/attention'"))
    with cluster.worker("--preload", str(preload)):
        done = Apr(room)(*FAULTY, "--scheduler", cluster.address)
    assert done.returncode == 2, done.stderr
    assert "layer-1/attention: no worker survived it" in done.stderr
    assert done.stdout == ""


def test_a_scheduler_that_goes_away_is_an_error_and_no_verdict(
    room: Path, make_cluster: Callable[..., Any], tmp_path: Path
) -> None:
    preload = tmp_path / "leave.py"
    preload.write_text(LEAVE)
    with make_cluster("--preload", str(preload)) as cluster, cluster.worker():
        done = Apr(room)(
            *FAULTY, "--scheduler", cluster.address, "--storage", tmp_path / "captures",
            DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s",
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"apr: error: {cluster.address}: the scheduler is gone")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    assert not list((tmp_path / "captures").iterdir())


def test_findings_of_another_layer_are_no_verdict(room: Path, cluster: Any, tmp_path: Path) -> None:
    preload = tmp_path / "wrong.py"
    preload.write_text(WRONG_LAYER)
    with cluster.worker("--preload", str(preload)):
        done = Apr(room)(*FAULTY, "--scheduler", cluster.address)
    assert done.returncode == 3
    assert "came back as" in done.stderr
    assert done.stdout == ""


def test_a_worker_that_sees_another_model_file_is_refused(
    room: Path, cluster: Any, tmp_path: Path, maker: ModuleType
) -> None:
    maker.write_model(tmp_path / "model.gguf", maker.Spec("llama", "Q8_0", seed=1))
    # the same path leads elsewhere for each process, as mounts of two machines may
    asked = ("dir:theirs", "--against", "numpy:f64", "/proc/self/cwd/model.gguf", "--json")
    with cluster.worker(folder=tmp_path) as _:
        done = Apr(room)(*asked, "--scheduler", cluster.address)
    assert done.returncode == 2
    assert "is another model file" in done.stderr
    assert "worker tcp://127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_worker_with_another_version_is_refused(room: Path, cluster: Any, tmp_path: Path) -> None:
    shutil.copytree(Path(package.__file__).parent, tmp_path / "apr", ignore=shutil.ignore_patterns("__pycache__"))
    changed = tmp_path / "apr" / "parity" / "verdict.py"
    changed.write_text(changed.read_text("utf-8") + "\n# another\n", "utf-8")
    with cluster.worker(PYTHONPATH=str(tmp_path)):
        done = Apr(room)(*FAULTY, "--scheduler", cluster.address)
        assert done.returncode == 2
        assert "may not measure: the source of apr is" in done.stderr
        assert "worker tcp://127.0.0.1" in done.stderr
    with cluster.worker(OPENBLAS_NUM_THREADS="2"):
        done = Apr(room)(*FAULTY, "--scheduler", cluster.address)
        assert "OPENBLAS_NUM_THREADS is 2 there and 1 here" in done.stderr
        assert done.returncode == 2


def test_a_storage_that_a_worker_does_not_reach_is_an_error_that_names_it(room: Path, cluster: Any) -> None:
    with cluster.worker():
        done = Apr(room)(*FAULTY, "--scheduler", cluster.address, "--storage", "memory://here")
    assert done.returncode == 2, done.stderr
    assert "FileNotFoundError" in done.stderr
    assert "workers have to reach the model file and --storage" in done.stderr


def test_who_has_nobody_to_work_for_him_is_told_what_to_do(room: Path, cluster: Any) -> None:
    done = Apr(room)(*FAULTY, "--scheduler", cluster.address, "--scheduler-timeout", "0.5")
    assert done.returncode == 2
    assert f"{cluster.address}: no worker within 0.5 s; start one with `dask worker {cluster.address}`" in done.stderr
