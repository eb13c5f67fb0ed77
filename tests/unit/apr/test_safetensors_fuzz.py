"""Folders in Hugging Face's layout with values of any kind anywhere: a model, or one typed refusal."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.errors import AprError
from apr.formats.hf_folder import read_hf
from apr.models import load
from apr.ops.arithmetic import F64
from apr.text.tokenizer import Tokenizer
from tinymodels import Spec
from tinymodels.hugging_face import write_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

YARN = {
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 64,
    "attention_factor": 1.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
numbers = (
    st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, 2, 4])
)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=5) | st.sampled_from(["llama", "yarn", "linear"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def paths(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in list(inner)[:40]:  # of a vocabulary some are enough
        yield (*at, key)
        yield from paths(value, (*at, key))


def changed(content: Any, at: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(content)
    place = made
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = value
    return made


def fuzz(folder: Path, name: str, use: Callable[[], object], data: st.DataObject) -> None:
    """Uses the folder with one or two values of a file changed; nothing but a typed refusal may come out."""
    sound = (folder / name).read_text()
    content = json.loads(sound)
    for _ in range(data.draw(st.integers(1, 2))):
        content = changed(content, data.draw(st.sampled_from(list(paths(content)))), data.draw(values))
    (folder / name).write_text(json.dumps(content))
    refusal = None
    try:
        use()
    except AprError as error:
        refusal = error
    finally:
        (folder / name).write_text(sound)
    assert refusal is None or str(folder) in str(refusal)


@pytest.fixture(scope="module", params=["llama-yarn", "llama-llama3", "qwen2", "qwen3", "qwen3moe"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    architecture, _, scaling = request.param.partition("-")
    rope = {"yarn": YARN, "llama3": LLAMA3}.get(scaling)
    spec = Spec(architecture, layers=1, biased=scaling == "yarn", experts=4)
    made = write_folder(tmp_path_factory.mktemp("fuzz") / "hf", spec, files=2, config={"rope_scaling": rope})
    settings = json.loads((made / "tokenizer_config.json").read_text()) | {
        "chat_template": [{"name": "default", "template": "x"}],
        "add_bos_token": True,
        "pad_token": {"content": "<|endoftext|>"},
    }
    (made / "tokenizer_config.json").write_text(json.dumps(settings))
    return made


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_config_json(folder: Path, data: st.DataObject) -> None:
    fuzz(folder, "config.json", lambda: load(read_hf(folder), F64), data)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_index(folder: Path, data: st.DataObject) -> None:
    fuzz(folder, "model.safetensors.index.json", lambda: load(read_hf(folder), F64), data)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), name=st.sampled_from(["tokenizer.json", "tokenizer_config.json"]))
def test_tokenizer_files(folder: Path, name: str, data: st.DataObject) -> None:
    fuzz(folder, name, lambda: Tokenizer.from_file(read_hf(folder)), data)
