"""`apr find` as a user meets it: which model, why that one, and what was passed over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODEL = Path(__file__).resolve().parents[2] / "fixtures" / "models" / "llama-q6_k.gguf"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("home/.apr/models", "work/models", "cache/models"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def apr(home: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    own = {"HOME": str(home / "home"), "APR_CACHE_DIR": str(home / "cache"), **env}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APR_")}
    return subprocess.run(
        [sys.executable, "-m", "apr", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=home / "work",
        env=kept | own,
    )


def put(path: Path, seconds: int, content: bytes | None = None) -> Path:
    if content is None:
        shutil.copyfile(MODEL, path)
    else:
        path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    return path


def find(home: Path, *args: str, **env: str) -> Any:
    done = apr(home, "find", "--json", *args, **env)
    assert done.stdout, done.stderr
    content = json.loads(done.stdout)
    assert content["schema"] == "apr-find-v1"
    return content


def test_the_path_alone_on_standard_output(home: Path) -> None:
    older = put(home / "home" / ".apr" / "models" / "older.gguf", 1000)
    done = apr(home, "find")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{older}\n", "")
    newer = put(home / "work" / "models" / "newer.gguf", 2000)
    put(home / "cache" / "models" / "broken.apr", 3000, b"APR\0 and nothing else")
    assert apr(home, "find").stdout == f"{newer}\n"
    assert apr(home, "find", "--dir", str(older.parent)).stdout == f"{older}\n"
    assert apr(home, "find", APR_MODEL_DIRS=str(older.parent)).stdout == f"{older}\n"


def test_why_names_what_decided_for_each(home: Path) -> None:
    put(home / "home" / ".apr" / "models" / "older.gguf", 1000)
    put(home / "work" / "models" / "newer.gguf", 2000)
    put(home / "work" / "models" / "twin.gguf", 2000)
    put(home / "work" / "models" / "my-qwen3-coder-next.gguf", 500)
    put(home / "work" / "models" / "broken.gguf", 3000, b"GGUF")
    (home / "work" / "models" / "lost.gguf").symlink_to("nowhere")
    content = find(home)
    named = [(Path(entry["path"]).name, entry["health"], entry["criterion"]) for entry in content["candidates"]]
    assert named[:5] == [
        ("my-qwen3-coder-next.gguf", "valid", "preferred name"),
        ("newer.gguf", "valid", "preferred name"),
        ("twin.gguf", "valid", "name"),
        ("older.gguf", "valid", "newest"),
        ("lost.gguf", "unusable", "valid"),
    ]
    assert content["chosen"] == content["candidates"][0]["path"]
    assert content["by"] == "discovery"
    assert [entry["state"] for entry in content["directories"]] == [
        "searched", "absent", "absent", "searched", "searched"
    ]  # fmt: skip
    done = apr(home, "find", "--why")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == [content["chosen"], "chosen by discovery"]
    assert "before 2 by preferred name: a preferred name (there: no preferred name)" in lines[4]
    assert "behind 2 by name: twin.gguf (there: newer.gguf)" in lines[6]
    assert "behind 4 by valid: is a link that leads nowhere (there: valid)" in lines[8]
    assert f"{home}/home/.cache/huggingface: absent" in lines


def test_what_is_named_wins(home: Path) -> None:
    put(home / "work" / "models" / "found.gguf", 2000)
    pacha = home / "home" / ".cache" / "pacha" / "models"
    pacha.mkdir(parents=True)
    named = put(pacha / "Org--Repo-1B-q4_k_m.gguf", 1000)
    exact = put(home / "exact.gguf", 1)
    repo = ("--model-repo", "Org/Repo-1B")
    assert (find(home, *repo)["chosen"], find(home, *repo)["by"]) == (str(named), "model_repo")
    both = find(home, *repo, "--model-path", str(exact))
    assert (both["chosen"], both["by"]) == (str(exact), "model_path")
    assert [Path(entry["path"]).name for entry in both["candidates"]] == ["found.gguf", named.name]
    done = apr(home, "find", *repo, "--quant", "q8_0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no q8_0 model of Org/Repo-1B is here; run `apr pull hf://Org/Repo-1B:Q8_0`" in done.stderr


def test_nothing_to_choose_is_told_after_what_was_found(home: Path) -> None:
    done = apr(home, "find")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "apr: error: no model in " in done.stderr
    put(home / "work" / "models" / "bro\x1bken.gguf", 1, b"GGUF")
    done = apr(home, "find", "--why")
    assert done.returncode == 2
    assert r"bro\x1bken.gguf" in done.stdout
    assert "there is no other" in done.stdout
    assert "no usable model was found" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    content = find(home)
    assert (content["chosen"], content["by"]) == (None, None)
    assert "no usable model was found" in content["problem"]


def test_list_shows_what_lies_elsewhere(home: Path) -> None:
    put(home / "work" / "models" / "x.gguf", 1)
    put(home / "cache" / "models" / "y.gguf", 1)
    content = json.loads(apr(home, "list", "--json").stdout)
    assert [Path(entry["path"]).name for entry in content["found"]] == ["x.gguf"]
    assert [entry["state"] for entry in content["models"] if entry["path"].endswith("y.gguf")] == ["unknown"]
    text = apr(home, "list").stdout
    assert f"{home}/work/models/x.gguf  gguf" in text
    assert text.count("y.gguf") == 1
