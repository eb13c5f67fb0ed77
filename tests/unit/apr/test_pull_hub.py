"""Pulling `hf://` sources, with the real `huggingface_hub`, from a server on this machine that speaks as the Hub does."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from apr.cache import Patience, Pulled, PullError, list_models, pull, resolve_model
from apr.console import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMIT = "c0ffee" * 6 + "beef"
IMPATIENT = Patience(attempts=3, first_wait=0.01, silence=0.3, connect=2.0)
REPO = "org/tiny-model"
WEIGHTS = bytes(range(256)) * 1000
FILES = {
    "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
    "tokenizer.json": b"{}",
    "README.md": b"not needed",
    "merges.txt": b"a b\n",
    "onnx/model.onnx": b"not needed",
    "onnx/config.json": b"not needed",
    "model.safetensors": WEIGHTS,
}
GGUFS = {
    "tiny-Q4_K_M.gguf": b"GGUF q4km",
    "tiny-Q4_K_S.gguf": b"GGUF q4ks",
    "tiny-Q4_K.gguf": b"GGUF q4k",
    "mmproj-tiny-Q8_0.gguf": b"GGUF eyes",
    "tiny-Q8_0-00001-of-00002.gguf": b"GGUF first",
    "tiny-Q8_0-00002-of-00002.gguf": b"GGUF second",
    "sub/other-f16.gguf": b"GGUF one",
    "sub/another-f16.gguf": b"GGUF two",
}


@pytest.fixture
def cache(tmp_path: Path, web: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    for name in ("APR_ALIASES", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    return tmp_path / "cache"


def bring(source: str, **how: Any) -> Pulled:
    return pull(source, make_meter=Progress, **{"patience": IMPATIENT, **how})


def models(cache: Path) -> dict[str, bytes]:
    return {
        path.relative_to(cache / "models").as_posix(): path.read_bytes()
        for path in (cache / "models").rglob("*")
        if path.is_file() and not path.name.endswith(".checked.json")
    }


def api(web: Any, repo: str = REPO) -> list[Any]:
    return [page for path, page in web.pages.items() if path.startswith(f"/api/models/{repo}")]


def rewrite(web: Any, change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes what the Hub says of the repository."""
    for page in api(web):
        about = json.loads(page.content)
        page.content = json.dumps(change(about) or about).encode()


def test_one_file_comes_by_commit_and_is_what_the_hub_announced(web: Any, cache: Path) -> None:
    web.add_repository(REPO, GGUFS)
    found = bring(f"hf://{REPO}/tiny-Q4_K_M.gguf")
    digest = hashlib.sha256(GGUFS["tiny-Q4_K_M.gguf"]).hexdigest()
    path = cache / "models" / "tiny-Q4_K_M.gguf"
    assert found == Pulled(path, downloaded=True, sha256=digest, vouched="hub")
    assert models(cache) == {"tiny-Q4_K_M.gguf": GGUFS["tiny-Q4_K_M.gguf"]}
    assert [asked for asked, _ in web.requests] == [
        f"/api/models/{REPO}",
        f"/{REPO}/resolve/{COMMIT}/tiny-Q4_K_M.gguf",
    ]
    assert bring(f"hf://{REPO}/tiny-Q4_K_M.gguf")[1:] == (False, digest, "hub")
    assert bring(f"hf://{REPO}/tiny-Q4_K_M.gguf#sha256={digest}")[1:] == (False, digest, "url")
    assert len(web.requests) == 2
    assert resolve_model(f"hf://{REPO}/tiny-Q4_K_M.gguf") == path
    assert ("present", "url") in [(model.state, model.vouched) for model in list_models() if model.path == path]


def test_a_revision_is_asked_for(web: Any, cache: Path) -> None:
    web.add_repository(REPO, GGUFS)
    assert bring(f"hf://{REPO}@main/tiny-Q4_K.gguf").downloaded
    assert bring(f"hf://{REPO}@{COMMIT}/tiny-Q4_K_S.gguf").downloaded
    assert [asked for asked, _ in web.requests if "/api/" in asked] == [
        f"/api/models/{REPO}/revision/main",
        f"/api/models/{REPO}/revision/{COMMIT}",
    ]
    assert len(models(cache)) == 2


def test_what_is_not_what_the_hub_announced_is_not_kept(web: Any, cache: Path) -> None:
    web.add_repository(REPO, FILES)
    web.pages[f"/{REPO}/resolve/{COMMIT}/model.safetensors"].content = b"X" + WEIGHTS[1:]
    with pytest.raises(PullError, match="has sha256"):
        bring(f"hf://{REPO}/model.safetensors")
    web.pages[f"/{REPO}/resolve/{COMMIT}/config.json"].content = FILES["config.json"].replace(b"L", b"M")
    with pytest.raises(PullError, match="is not the git blob"):
        bring(f"hf://{REPO}/config.json")
    assert models(cache) == {}


def test_a_hash_of_one_s_own_is_held_against_the_hub_before_anything_comes(web: Any, cache: Path) -> None:
    web.add_repository(REPO, GGUFS)
    with pytest.raises(PullError, match=f"announces another file: sha256 .*, expected {'0' * 64}; the repository has"):
        bring(f"hf://{REPO}/tiny-Q4_K.gguf#sha256={'0' * 64}")
    assert len(web.requests) == 1
    digest = hashlib.sha256(GGUFS["tiny-Q4_K.gguf"]).hexdigest()
    assert bring(f"hf://{REPO}/tiny-Q4_K.gguf#sha256={digest}")[1:] == (True, digest, "url")
    assert len(models(cache)) == 1


@pytest.mark.parametrize(
    ("quant", "name"),
    [("Q4_K_M", "tiny-Q4_K_M.gguf"), ("q4_k_s", "tiny-Q4_K_S.gguf"), ("Q4_K", "tiny-Q4_K.gguf")],
)
def test_a_quantisation_is_a_word_of_the_name(quant: str, name: str, web: Any, cache: Path) -> None:
    web.add_repository(REPO, GGUFS)
    assert bring(f"hf://{REPO}:{quant}").path.name == name
    assert not bring(f"hf://{REPO}:{quant}").downloaded
    assert models(cache) == {name: GGUFS[name]}


def test_all_parts_of_a_split_model_come_and_all_must_be_there(
    web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.add_repository(REPO, GGUFS)
    parts = {name: content for name, content in GGUFS.items() if "-of-" in name}
    found = bring(f"hf://{REPO}:Q8_0")
    assert found.path.name == "tiny-Q8_0-00001-of-00002.gguf"
    assert models(cache) == parts
    assert bring(f"hf://{REPO}:Q8_0") == found._replace(downloaded=False)
    assert bring(f"hf://{REPO}:Q8_0", verify=True) == found._replace(downloaded=False)
    assert resolve_model(f"hf://{REPO}:Q8_0") == found.path
    (cache / "models" / "tiny-Q8_0-00002-of-00002.gguf").unlink()
    placed, sound = [], type(cache).replace

    def replace(path: Path, target: Path) -> Path:
        placed.append(target.name)
        return sound(path, target)

    monkeypatch.setattr(type(cache), "replace", replace)
    assert bring(f"hf://{REPO}:Q8_0").downloaded
    assert models(cache) == parts
    # the first part last: whoever sees it finds the others
    assert [name for name in placed if name.endswith(".gguf")] == sorted(parts, reverse=True)
    rewrite(web, lambda about: about.update(siblings=about["siblings"][:5]))
    for path in (cache / "models").iterdir():
        path.unlink()
    with pytest.raises(PullError, match="has 1 of the 2 parts"):
        bring(f"hf://{REPO}:Q8_0")
    assert models(cache) == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"hf://{REPO}:f16", r"several models of quantisation 'f16'; .* sub/another-f16\.gguf, sub/other-f16\.gguf"),
        (f"hf://{REPO}:Q5_0", r"no GGUF file of quantisation 'Q5_0'; .*there are: mmproj-tiny"),
        (f"hf://{REPO}/tiny-Q4_KM.gguf", r"no file 'tiny-Q4_KM.gguf'; did you mean 'tiny-Q4_K_M.gguf'\?"),
        (f"hf://{REPO}", r"holds no safetensors model .*; say which quantisation is meant with :QUANT"),
        (
            "hf://org/absent",
            "no such repository, or does not show it to you; look at https://huggingface.co/org/absent",
        ),
    ],
)
def test_what_is_not_there_is_one_message_with_what_is(source: str, expected: str, web: Any, cache: Path) -> None:
    web.add_repository(REPO, GGUFS)
    with pytest.raises(PullError, match=expected):
        bring(source)
    assert models(cache) == {}


def test_a_safetensors_model_comes_as_a_folder(web: Any, cache: Path) -> None:
    web.add_repository(REPO, FILES)
    path = cache / "models" / "org--tiny-model"
    assert bring(f"hf://{REPO}") == Pulled(path, downloaded=True, sha256=None, vouched="hub")
    wanted = {name: FILES[name] for name in ("config.json", "tokenizer.json", "merges.txt", "model.safetensors")}
    assert models(cache) == {f"org--tiny-model/{name}": content for name, content in wanted.items()}
    asked = len(web.requests)
    assert not bring(f"hf://{REPO}").downloaded
    assert not bring(f"hf://{REPO}", verify=True).downloaded
    assert len(web.requests) == asked
    assert resolve_model(f"hf://{REPO}") == resolve_model(str(path)) == path
    assert [model.state for model in list_models() if model.path == path] == ["present"]
    (path / "config.json~").write_bytes(b"")
    assert [model.state for model in list_models() if model.path == path] == ["unknown"]
    (path / "config.json~").unlink()
    # a file that was changed is seen, and what was good is not lost meanwhile
    (path / "config.json").write_bytes(b"{}")
    assert [model.state for model in list_models() if model.path == path] == ["unknown"]
    web.pages[f"/{REPO}/resolve/{COMMIT}/model.safetensors"].plan = [("status", 404)]
    with pytest.raises(PullError, match="404"):
        bring(f"hf://{REPO}")
    assert (path / "model.safetensors").read_bytes() == WEIGHTS
    assert bring(f"hf://{REPO}").downloaded
    assert models(cache) == {f"org--tiny-model/{name}": content for name, content in wanted.items()}
    assert sorted(entry.suffix for entry in (cache / "partial").iterdir()) == [".lock"]


def test_shards_come_with_their_index_and_the_rest_is_left(web: Any, cache: Path) -> None:
    shards = {f"model-0000{number}-of-00002.safetensors": WEIGHTS[number:] for number in (1, 2)}
    index = {"model.safetensors.index.json": b"{}"}
    config = {"config.json": b"{}"}
    web.add_repository(REPO, {**shards, **index, **config, "consolidated.safetensors": b"the same again"})
    bring(f"hf://{REPO}@{COMMIT}")
    folder = f"org--tiny-model@{COMMIT}"
    assert models(cache) == {f"{folder}/{name}": content for name, content in {**shards, **index, **config}.items()}


def test_a_folder_that_broke_off_goes_on_with_the_file_and_the_byte(web: Any, cache: Path) -> None:
    web.add_repository(REPO, FILES)
    page = web.pages[f"/{REPO}/resolve/{COMMIT}/model.safetensors"]
    page.plan = [("cut", 100_000), ("cut", 0), ("cut", 0)]
    with pytest.raises(PullError, match="gave up after 3 attempts"):
        bring(f"hf://{REPO}")
    assert models(cache) == {}
    before = len(web.requests)
    bring(f"hf://{REPO}")
    later = web.requests[before:]
    assert [asked for asked, _ in later] == [f"/api/models/{REPO}", f"/{REPO}/resolve/{COMMIT}/model.safetensors"]
    assert later[1][1]["range"] == "bytes=100000-"
    assert models(cache)["org--tiny-model/model.safetensors"] == WEIGHTS


def test_what_an_earlier_pull_left_is_held_against_the_hub_again(web: Any, cache: Path) -> None:
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    files = {"config.json": b"{}", "model.safetensors.index.json": b"{ }", names[0]: WEIGHTS, names[1]: WEIGHTS[::-1]}
    web.add_repository(REPO, {**files, "extra.json": b"[]"})
    web.pages[f"/{REPO}/resolve/{COMMIT}/{names[1]}"].plan = [("cut", 100_000), ("cut", 0), ("cut", 0)]
    with pytest.raises(PullError, match="gave up"):
        bring(f"hf://{REPO}")
    (staged,) = (cache / "partial").glob("*/files")
    (staged / names[0]).write_bytes(b"X" + WEIGHTS[1:])
    (staged / "config.json").write_bytes(b"[]")
    # meanwhile there is another commit, without one file and with another second shard
    later = "d" * 40
    files[names[1]] = WEIGHTS[::-1].swapcase()
    web.add_repository(REPO, files, commit=later)
    before = len(web.requests)
    bring(f"hf://{REPO}")
    assert [asked.rpartition("/")[2] for asked, _ in web.requests[before + 1 :]] == ["config.json", *names]
    assert "range" not in web.requests[-1][1]
    assert models(cache) == {f"org--tiny-model/{name}": content for name, content in files.items()}


def test_only_the_hub_gets_the_token(web: Any, web_server: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    web.add_repository(REPO, GGUFS)
    with web_server.WebServer() as elsewhere:
        real = elsewhere.add("/signed", GGUFS["tiny-Q4_K.gguf"])
        web.pages[f"/{REPO}/resolve/{COMMIT}/tiny-Q4_K.gguf"].location = real
        bring(f"hf://{REPO}/tiny-Q4_K.gguf")
        assert [headers.get("authorization") for _, headers in web.requests] == ["Bearer hf_secret"] * 2
        assert [headers.get("authorization") for _, headers in elsewhere.requests] == [None]
    assert "secret" not in "".join(path.read_text() for path in (cache / "models").glob("*.json"))


@pytest.mark.parametrize(
    ("status", "headers", "expected", "requests"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, "those who accepted its licence; .*set HF_TOKEN", 1),
        (404, {"X-Error-Code": "RevisionNotFound"}, "has no revision 'main' of it", 1),
        (403, {}, "the Hub answers 403 at revision main; .*set HF_TOKEN", 1),
        (500, {}, "the Hub answers 500 at revision main; pull again later", 3),
    ],
)
def test_what_the_hub_refuses(
    status: int, headers: dict[str, str], expected: str, requests: int, web: Any, cache: Path
) -> None:
    web.add_repository(REPO, GGUFS)
    web.pages[f"/api/models/{REPO}/revision/main"].plan = [("status", status, headers)] * 9
    said: list[str] = []
    with pytest.raises(PullError, match=expected):
        bring(f"hf://{REPO}@main:Q4_K", say=said.append)
    assert len(web.requests) == requests
    assert len(said) == requests - 1
    assert models(cache) == {}


def test_a_hub_that_is_busy_is_waited_for(web: Any, cache: Path) -> None:
    web.add_repository(REPO, GGUFS)
    web.pages[f"/api/models/{REPO}"].plan = [("status", 503), ("status", 429)]
    said: list[str] = []
    assert bring(f"hf://{REPO}:Q4_K", say=said.append).downloaded
    assert said == [
        f"{REPO}: the Hub answers 503; attempt 2 of 3 in 0.0 s",
        f"{REPO}: the Hub answers 429; attempt 3 of 3 in 0.0 s",
    ]
    assert len(models(cache)) == 1


def test_no_hub_is_one_message_and_one_attempt(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    said: list[str] = []
    with pytest.raises(PullError, match=r"the Hub cannot be reached: .*refused; check the network"):
        bring(f"hf://{REPO}:Q4_K", say=said.append)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(PullError, match="HF_HUB_OFFLINE is set, so the Hub is not asked; unset it"):
        bring(f"hf://{REPO}:Q4_K", say=said.append)
    monkeypatch.setenv("HF_ENDPOINT", "http://example.org")
    with pytest.raises(PullError, match=r"HF_ENDPOINT: http://example\.org is plain http"):
        bring(f"hf://{REPO}:Q4_K", say=said.append)
    assert not said
    assert models(cache) == {}


def sibling(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(about: dict[str, Any]) -> None:
        about["siblings"] = [{**about["siblings"][0], **changes}]

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda about: about.update(sha=None), "does not say which commit it is"),
        (lambda about: about.update(sha="../../x"), "does not say which commit it is"),
        (sibling(size=None), "does not say what it should be"),
        (sibling(lfs=None, blobId=None), "does not say what it should be"),
        (sibling(lfs={"sha256": "abc", "size": 1, "pointerSize": 1}), "does not say what it should be"),
        (sibling(lfs={"sha256": 5, "size": 1, "pointerSize": 1}), "does not say what it should be"),
        (sibling(rfilename=5), "answer cannot be read"),
        (sibling(lfs={"size": 1}), "answer cannot be read"),
        (sibling(rfilename="../../tiny-Q4_K_M.gguf"), "points out of the repository"),
        (sibling(rfilename="/etc/tiny-Q4_K_M.gguf"), "points out of the repository"),
        (lambda about: about.update(siblings=[{}]), "answer cannot be read"),
        (lambda about: about.update(siblings=7), "answer cannot be read"),
        (lambda _about: [1], "answer cannot be read"),
    ],
)
def test_an_answer_that_cannot_be_relied_on_is_refused(
    change: Callable[[dict[str, Any]], Any], expected: str, web: Any, cache: Path
) -> None:
    web.add_repository(REPO, GGUFS)
    rewrite(web, change)
    with pytest.raises(Exception, match=expected) as refusal:
        bring(f"hf://{REPO}:Q4_K_M")
    assert isinstance(refusal.value, PullError) or "points out" in expected
    assert models(cache) == {}
    for page in api(web):
        page.content = b"<html>"
    with pytest.raises(PullError, match="answer cannot be read"):
        bring(f"hf://{REPO}:Q4_K_M")
