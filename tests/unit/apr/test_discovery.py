"""Finding models: where they are looked for, what is found there, the order, the choice, and what is said about it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr import discovery
from apr.cache import resolve_folder, resolve_model
from apr.discovery import Candidate, Health, choose, deciding, examined, explain, in_order, look_around
from apr.discovery.order import best
from apr.errors import UnusableInput, UsageError
from apr.formats.apr.dtypes import Dtype
from apr.formats.apr.writer import write_apr

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

TOKENS = ["<unk>", "a", "b"]


def write_gguf(path: Path, *, tokens: bool = True, kind: str = "gpt2") -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    if tokens:
        writer.add_tokenizer_model(kind)
        writer.add_token_list(TOKENS)
    writer.add_tensor("token_embd.weight", np.zeros((3, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_small_apr(path: Path, *, tokens: bool = True) -> Path:
    metadata: dict[str, Any] = {
        "model_type": "llama", "architecture": "llama", "hidden_size": 4, "num_layers": 1, "num_heads": 1,
        "num_kv_heads": 1, "intermediate_size": 4, "vocab_size": 3, "max_position_embeddings": 8, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "rope_type": 0, "total_size": 48, "param_count": 12, "tied_embeddings": True,
    }  # fmt: skip
    if tokens:
        metadata |= {"tokenizer.model_type": "gpt2", "tokenizer.vocabulary": TOKENS, "tokenizer.merges": ["a b"]}
    write_apr(path, metadata, [("model.embed_tokens.weight", Dtype.F32, (3, 4), bytes(48))])
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a current folder and a cache of one's own, all empty."""
    for name in ("APR_MODEL_DIRS", "APR_PREFERRED_MODELS", "APR_ALIASES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("APR_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def candidate(name: str = "x.gguf", **changes: Any) -> Candidate:
    kind = "apr" if name.endswith(".apr") else "gguf"
    found = {
        "path": Path("/m") / name,
        "directory": 0,
        "format": kind,
        "size": 1,
        "mtime_ns": 0,
        "health": Health.VALID,
    }
    return Candidate(**{**found, **changes})


def aged(path: Path, seconds: int) -> Path:
    os.utime(path, (seconds, seconds))
    return path


# --- where ---------------------------------------------------------------------------------------------------------------


def test_the_usual_folders_in_order(home: Path) -> None:
    assert discovery.directories() == [
        home / "home" / ".apr" / "models",
        home / "home" / ".cache" / "pacha" / "models",
        home / "home" / ".cache" / "huggingface",
        home / "work" / "models",
        home / "cache" / "models",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a:/b", ["/a", "/b"]),
        ("/a:", ["/a", *"UUUUU"]),
        (":/a", [*"UUUUU", "/a"]),
        ("/a::/b:/a", ["/a", *"UUUUU", "/b"]),
        ("~/m", ["H/m"]),
        ("rel", ["W/rel"]),
        ("", [*"UUUUU"]),
    ],
)
def test_other_folders_before_behind_or_in_their_place(
    text: str, expected: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = iter(discovery.directories())
    where = {"H": str(home / "home"), "W": str(home / "work")}
    wanted = [next(usual) if name == "U" else Path(where.get(name[0], name[0]) + name[1:]) for name in expected]
    monkeypatch.setenv("APR_MODEL_DIRS", text)
    assert discovery.directories() == wanted


def test_a_folder_that_is_reached_in_two_ways_is_looked_through_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "real").mkdir()
    (home / "link").symlink_to(home / "real")
    monkeypatch.setenv("APR_MODEL_DIRS", f"{home}/link:{home}/real:{home}/real/../real")
    assert discovery.directories() == [home / "link"]


# --- what is there -------------------------------------------------------------------------------------------------------


def test_models_of_each_format_one_level_deep(home: Path) -> None:
    folder = home / "m"
    (folder / "sub").mkdir(parents=True)
    (folder / "st").mkdir()
    (folder / "empty").mkdir()
    write_gguf(folder / "a.gguf")
    write_small_apr(folder / "b.APR")
    write_gguf(folder / "sub" / "deep.gguf")
    for name in ("notes.txt", ".hidden.gguf", "rosetta_temp.gguf", "c.gguf.checked.json", "gguf"):
        (folder / name).write_bytes(b"x")
    for name in ("config.json", "model.safetensors"):
        (folder / "st" / name).write_bytes(b"12345")
    survey = look_around([folder, home / "absent", folder / "a.gguf"])
    assert [(found.path.name, found.format) for found in survey.candidates] == [
        ("a.gguf", "gguf"),
        ("b.APR", "apr"),
        ("st", "safetensors"),
    ]
    assert [searched.state for searched in survey.directories] == [
        "searched",
        "absent",
        "cannot be read: Not a directory",
    ]
    assert survey.candidates[2].size == 5
    assert [found.health for found in survey.candidates] == [None] * 3


def test_valid_is_what_opens_and_has_a_tokenizer(home: Path) -> None:
    whole = {
        "good.gguf": (write_gguf(home / "good.gguf"), Health.VALID),
        "bare.gguf": (write_gguf(home / "bare.gguf", tokens=False), Health.NO_TOKENIZER),
        "none.gguf": (write_gguf(home / "none.gguf", kind="none"), Health.NO_TOKENIZER),
        "good.apr": (write_small_apr(home / "good.apr"), Health.VALID),
        "bare.apr": (write_small_apr(home / "bare.apr", tokens=False), Health.NO_TOKENIZER),
    }
    for name in ("cut.gguf", "cut.apr"):
        path = home / name
        path.write_bytes((home / name.replace("cut", "good")).read_bytes()[:-20])
        whole[name] = (path, Health.UNUSABLE)
    for name in ("empty.gguf", "text.apr"):
        (home / name).write_bytes(b"" if name == "empty.gguf" else b"hello, this is no model")
        whole[name] = (home / name, Health.UNUSABLE)
    found = {entry.path.name: examined(entry) for entry in look_around([home]).candidates}
    assert {name: entry.health for name, entry in found.items()} == {
        name: health for name, (_, health) in whole.items()
    }
    assert all((entry.reason is None) == (entry.health is Health.VALID) for entry in found.values())
    assert (found["cut.gguf"].reason or "").startswith(
        "tensor 'token_embd.weight', offset "
    )  # the place, without the path


def test_what_may_not_be_read_is_a_candidate_that_is_unusable(home: Path) -> None:
    write_gguf(home / "x.gguf").chmod(0)
    write_gguf(home / "y.gguf").chmod(0o644)
    (home / "locked").mkdir(mode=0)
    # everything may be read by the superuser, so the child becomes nobody; relative paths, for its way here may be barred
    code = (
        "import os, sys; from pathlib import Path; from apr.discovery import *; import apr.formats.split;"
        "os.chdir(sys.argv[1]); os.geteuid() or os.setuid(65534); survey = look_around([Path(), Path('locked')]);"
        "[print(found.path, found.health.name, found.reason) for found in map(examined, survey.candidates)];"
        "print(survey.directories[1].state, flush=True); os._exit(0)"  # no exit handler could write as nobody
    )
    home.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, home], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "x.gguf UNUSABLE cannot be read: Permission denied",
        "y.gguf VALID None",
        "cannot be read: Permission denied",
    ]


def test_links_pipes_and_folders_with_a_model_s_name(home: Path) -> None:
    folder = home / "m"
    folder.mkdir()
    (folder / "lost.gguf").symlink_to(home / "nowhere.gguf")
    (folder / "loop.apr").symlink_to(folder / "loop.apr")
    (folder / "good.gguf").symlink_to(aged(write_gguf(home / "real.gguf"), 1000))
    (folder / "folder.gguf").mkdir()
    os.mkfifo(folder / "pipe.gguf")
    found = {entry.path.name: examined(entry) for entry in look_around([folder]).candidates}
    assert {name: (entry.health, entry.reason) for name, entry in found.items()} == {
        "lost.gguf": (Health.UNUSABLE, "is a link that leads nowhere"),
        "loop.apr": (Health.UNUSABLE, "is a link that leads nowhere"),
        "good.gguf": (Health.VALID, None),
        "pipe.gguf": (Health.UNUSABLE, "is no regular file"),
    }
    assert found["good.gguf"].mtime_ns == 1000 * 10**9  # of the file, not of the link
    assert choose(folders=[folder]).path == folder / "good.gguf"


def test_a_split_model_is_one_candidate(home: Path) -> None:
    for name in ("a-00001-of-00002.gguf", "a-00002-of-00002.gguf", "b-00002-of-00002.gguf", "c-00002-of-00002.apr"):
        (home / name).write_bytes(b"x")
    assert [found.path.name for found in look_around([home]).candidates] == [
        "a-00001-of-00002.gguf",
        "b-00002-of-00002.gguf",  # its first part is not here, and that has to be told
        "c-00002-of-00002.apr",
    ]


def test_thousands_of_models_need_few_open_files(home: Path) -> None:
    folder = home / "m"
    folder.mkdir()
    content = write_gguf(home / "one.gguf").read_bytes()
    for number in range(2000):
        (folder / f"{number}.gguf").write_bytes(content)
    code = (
        "import resource, sys; from pathlib import Path; from apr.discovery import *;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); survey = look_around([Path(sys.argv[1])]);"
        "print(sum(examined(found).health is Health.VALID for found in survey.candidates))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.stderr) == ("2000\n", "")


def test_a_choice_opens_no_more_than_it_needs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counting(found: Candidate) -> Candidate:
        opened.append(found.path.name)
        return examined(found)

    monkeypatch.setattr("apr.discovery.order.examined", counting)
    aged(write_gguf(home / "older.gguf"), 1000)
    aged(write_gguf(home / "newer.gguf"), 2000)
    (home / "newest.gguf").write_bytes(b"x")
    assert choose(folders=[home]).path == home / "newer.gguf"
    assert opened == ["newest.gguf", "newer.gguf"]


def test_a_safetensors_model_is_its_folder_and_valid_with_a_tokenizer(home: Path) -> None:
    from tinymodels import Spec
    from tinymodels.hugging_face import write_folder

    spec = Spec("llama", layers=1)
    write_folder(home / "whole", spec)
    write_folder(home / "shards", spec, files=2)
    write_folder(home / "bare", spec, tokenizer=False)
    (write_folder(home / "broken", spec) / "config.json").write_text("{")
    found = {entry.path.name: examined(entry) for entry in look_around([home]).candidates}
    assert {name: entry.health for name, entry in found.items()} == {
        "whole": Health.VALID,
        "shards": Health.VALID,
        "bare": Health.NO_TOKENIZER,
        "broken": Health.UNUSABLE,
    }
    assert resolve_model(str(home / "shards")) == home / "shards"


# --- the order -----------------------------------------------------------------------------------------------------------

candidates = st.builds(
    candidate,
    st.builds(
        "{}{}.{}".format,
        st.sampled_from(["", "Qwen3-Coder-Next-"]),
        st.sampled_from("abcd"),
        st.sampled_from(["gguf", "apr"]),
    ),
    directory=st.integers(0, 2),
    mtime_ns=st.integers(0, 3),
    health=st.sampled_from(Health),
)
unlike = st.lists(candidates, max_size=12, unique_by=lambda found: (found.directory, found.path.name))


@given(unlike, st.randoms(use_true_random=False))
def test_the_order_is_total_and_does_not_depend_on_how_files_come(
    found: list[Candidate], chance: random.Random
) -> None:
    ordered = in_order(found)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert in_order(shuffled) == ordered
    for first, second in itertools.pairwise(ordered):
        assert deciding(first, second) is not None
    assert sorted(found, key=ordered.index) == ordered


@given(unlike)
def test_every_place_is_explained_by_a_criterion_that_holds(found: list[Candidate]) -> None:
    ordered = in_order(found)
    placed = explain(ordered)
    assert [entry.candidate for entry in placed] == ordered
    for number, entry in enumerate(placed):
        if len(placed) == 1:
            assert entry.criterion is None
            continue
        assert entry.criterion is not None
        before, after = (ordered[0], ordered[1]) if number == 0 else (ordered[number - 1], ordered[number])
        assert entry.criterion.rank(before) < entry.criterion.rank(after)
        names = [step.name for step in discovery.CRITERIA]
        for earlier in discovery.CRITERIA[: names.index(entry.criterion.name)]:
            assert earlier.rank(before) == earlier.rank(after)
        assert entry.criterion.name in entry.why


@given(unlike)
def test_the_choice_is_the_first_in_the_order(found: list[Candidate]) -> None:
    ordered = in_order(found)
    assert best(found) == (ordered[0] if ordered else None)


PAIRS: dict[str, tuple[Candidate, Candidate, str]] = {
    "valid .gguf before a newer .apr that does not open": (
        candidate("a.gguf"), candidate("b.apr", health=Health.UNUSABLE, mtime_ns=9, reason="is cut off"),
        "before 2 by valid: valid (there: is cut off)"),
    "valid before preferred": (
        candidate("a.gguf"), candidate("qwen3-coder-next.gguf", health=Health.NO_TOKENIZER), "by valid"),
    "without tokenizer before unusable": (
        candidate("a.gguf", health=Health.NO_TOKENIZER), candidate("b.gguf", health=Health.UNUSABLE, mtime_ns=9), "by valid"),
    "preferred before newer": (
        candidate("my-QWEN2.5-Coder-14B-q4.gguf"), candidate("b.gguf", mtime_ns=9),
        "by preferred name: a preferred name (there: no preferred name)"),
    "the folder's name is not the file's": (
        candidate("b.gguf", mtime_ns=9), candidate("a.gguf", path=Path("/qwen3-coder-next/a.gguf")), "by newest"),
    "newer before .apr": (candidate("b.gguf", mtime_ns=2), candidate("a.apr", mtime_ns=1), "by newest"),
    ".apr before .gguf": (candidate("b.apr"), candidate("a.gguf"), "by format: apr (there: gguf)"),
    "folder before name": (candidate("b.gguf"), candidate("a.gguf", directory=1), "by folder"),
    "name": (candidate("a.gguf"), candidate("b.gguf"), "by name: a.gguf (there: b.gguf)"),
}  # fmt: skip


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", PAIRS)
def test_which_comes_first(name: str) -> None:
    first, second, why = PAIRS[name]
    assert in_order([second, first]) == [first, second]
    placed = explain([first, second])
    assert why in placed[0].why
    assert placed[1].why.startswith("behind 1 by ")


@pytest.mark.usefixtures("home")
def test_preferred_names_are_one_s_own_if_given(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = candidate("My-Model.gguf"), candidate("a-qwen3-coder-next.gguf", mtime_ns=9)
    assert in_order([mine, theirs])[0] == theirs
    monkeypatch.setenv("APR_PREFERRED_MODELS", " my-model, other ")
    assert in_order([mine, theirs])[0] == mine
    monkeypatch.setenv("APR_PREFERRED_MODELS", "")
    assert in_order([mine, theirs])[0] == theirs  # the newer one: nothing is preferred


@pytest.mark.usefixtures("home")
def test_what_was_not_opened_is_not_ordered() -> None:
    with pytest.raises(ValueError, match="was not opened"):
        in_order([candidate(health=None)])
    with pytest.raises(ValueError, match="is there twice"):
        explain([candidate(), candidate()])


# --- the choice ----------------------------------------------------------------------------------------------------------


def test_path_before_repository_before_discovery(home: Path) -> None:
    models = home / "work" / "models"
    pacha = home / "home" / ".cache" / "pacha" / "models"
    for folder in (models, pacha):
        folder.mkdir(parents=True)
    found = aged(write_gguf(models / "found.gguf"), 2000)
    named = aged(write_gguf(pacha / "org--repo-q4_k_m.gguf"), 1000)
    exact = write_gguf(home / "exact.bin")
    assert choose() == (found, "discovery")
    assert choose(model_repo="org/repo") == (named, "model_repo")
    assert choose(model_repo="org/repo", model_path=str(exact)) == (exact, "model_path")
    with pytest.raises(UnusableInput, match=r"no q8_0 model of org/repo is here; run `apr pull hf://org/repo:Q8_0`"):
        choose(model_repo="org/repo", quant="q8_0")
    with pytest.raises(UnusableInput, match="no such file"):
        choose(model_path=str(home / "absent.gguf"), model_repo="org/repo")
    for wrong in ("repo", "org/../repo", "/etc/passwd", "org/repo/x"):
        with pytest.raises(UsageError, match="not of the form ORG/REPO"):
            choose(model_repo=wrong)
    with pytest.raises(UsageError, match="is no quantisation"):
        choose(model_repo="org/repo", quant="../x")


def test_a_repository_s_model_may_be_in_our_own_cache(home: Path, web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from apr.cache import pull
    from apr.console import Progress

    monkeypatch.setenv("HF_ENDPOINT", web.url)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    content = write_gguf(home / "x.gguf").read_bytes()
    web.add_repository("org/repo", {"tiny.Q4_K_M.gguf": content, "tiny.Q4_K_S.gguf": content})
    for quant in ("q4_k_s", "q4_k_m"):
        pull(f"hf://org/repo:{quant}", make_meter=Progress)
        assert choose(model_repo="org/repo", quant=quant).path.name == f"tiny.{quant.upper()}.gguf"
    with pytest.raises(UnusableInput, match="no q4_k model"):
        choose(model_repo="org/repo", quant="q4_k")
    with pytest.raises(UnusableInput, match="no q4_k_m model of org/other"):
        choose(model_repo="org/other")


def test_nothing_found_is_told_with_where_it_was_looked_for(home: Path) -> None:
    with pytest.raises(UnusableInput, match=rf"no model in .*{home}/cache/models; give a path or an alias, or run"):
        choose()
    folder = home / "work" / "models"
    folder.mkdir()
    (folder / "x.gguf").write_bytes(b"x")
    with pytest.raises(UnusableInput, match=r"x\.gguf: no usable model was found; the best one .*apr find --why"):
        choose()
    bare = write_gguf(folder / "bare.gguf", tokens=False)
    assert choose().path == bare  # token ids can be run


# --- a folder as a model -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["model.safetensors.index.json", "a.gguf"], ""),
        (["index.json", "w.safetensors", "a.gguf"], ""),
        (["index.json", "a.gguf"], "a.gguf"),
        (["model.safetensors", "a.gguf"], ""),
        (["model-00001-of-00002.safetensors", "a.gguf"], ""),
        (["adapter_model.safetensors", "a.gguf"], "a.gguf"),
        (["b.gguf", "a.GGUF", "0.apr"], "a.GGUF"),
        (["b.apr", "a.apr", "rosetta_temp.gguf", ".x.gguf"], "a.apr"),
        (["rosetta_temp_1.apr", "readme.txt"], None),
        ([], None),
    ],
)
def test_the_model_in_a_folder(names: list[str], expected: str | None, home: Path) -> None:
    folder = home / "f"
    folder.mkdir()
    (folder / "0.gguf").mkdir()  # a folder is no file
    for name in names:
        (folder / name).write_bytes(b"x")
    if expected is None:
        with pytest.raises(UnusableInput, match="holds no model"):
            resolve_model(str(folder))
    else:
        assert resolve_folder(folder) == resolve_model(str(folder)) == (folder / expected if expected else folder)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many models were opened."""
    count = [0]
    from apr import formats

    sound = formats.open_model

    def counting(path: Path) -> Any:
        count[0] += 1
        return sound(path)

    monkeypatch.setattr(formats, "open_model", counting)
    return lambda: count[0]


def test_looking_around_opens_nothing(home: Path, opened: Callable[[], int]) -> None:
    write_gguf(home / "x.gguf")
    (found,) = look_around([home]).candidates
    assert opened() == 0
    assert examined(examined(found)).health is Health.VALID
    assert opened() == 1
