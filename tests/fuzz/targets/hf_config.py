"""config.json of a model in Hugging Face's layout: read strictly, and what it says is what `json` reads."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.formats.hf_config import NAME
from apr.formats.hf_folder import read_hf
from tests.fuzz.given import model_folder, write_files
from tests.fuzz.jsonlike import read_loosely, twice
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path

_TOKENS = (
    *(
        b"model_type",
        b"llama",
        b"qwen2",
        b"qwen3",
        b"qwen3_moe",
        b"hidden_size",
        b"num_hidden_layers",
        b"num_attention_heads",
    ),
    *(
        b"num_key_value_heads",
        b"head_dim",
        b"rope_scaling",
        b"rope_parameters",
        b"rope_type",
        b"llama3",
        b"yarn",
        b"linear",
        b"factor",
    ),
    *(
        b"low_freq_factor",
        b"high_freq_factor",
        b"original_max_position_embeddings",
        b"rope_theta",
        b"rms_norm_eps",
        b"vocab_size",
    ),
    *(
        b"tie_word_embeddings",
        b"architectures",
        b"num_experts",
        b"quantization_config",
        b"layer_types",
        b"max_position_embeddings",
    ),
)


@functools.cache
def _seeds() -> list[bytes]:
    first = model_folder()[NAME]
    scaled = json.loads(first)
    scaled["rope_scaling"] = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaled["rope_scaling"]["original_max_position_embeddings"] = 32
    return [first, json.dumps(scaled).encode()]


def _check(data: bytes, folder: Path) -> bool:
    place = write_files(folder / "model", {**model_folder(), NAME: data})
    try:
        model = read_hf(place)
        metadata = {key: value for key, value in model.config.metadata.items() if not key.startswith("tokenizer.")}
    except AprError as refusal:
        said = str(refusal)
        expect(
            "\n" not in said and str(place) in said,
            f"a refusal that names no file, or of several lines: {said[:200]!r}",
        )
        return False
    loose = read_loosely(data)
    expect(twice(loose) is None, f"a key stands twice: {twice(loose)!r}")
    said_ = json.loads(data)
    name = model.config.architecture
    expect(metadata[f"{name}.embedding_length"] == said_["hidden_size"], "another width")
    expect(metadata[f"{name}.block_count"] == said_["num_hidden_layers"], "another number of layers")
    for key, value in metadata.items():
        expect(value is not None, f"nothing as a value: {key}")
    for tensor in model.tensors:
        model.raw(tensor)
    return True


TARGET = Target(_check, _seeds, "json", _TOKENS)
