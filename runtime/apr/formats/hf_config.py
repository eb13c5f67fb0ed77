"""A Hugging Face config.json as GGUF metadata. Nothing is guessed: what is absent is an error, or stands in `DEFAULTS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.hf_json import Json, read_object
from apr.formats.hf_rope import rope_keys

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from apr.formats.model_file import Value

NAME = "config.json"
_MAX_HEAD_DIM = 1 << 16  # a hundred times those in use; what follows from it is computed, dimension by dimension
# model_type to GGUF's name of the architecture
ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3_moe": "qwen3moe"}
_CLASSES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
}
_EVERYWHERE: dict[str, Any] = {
    "hidden_act": "silu",
    "is_causal": True,  # no class has it; masking_utils.py takes it so
    "tie_word_embeddings": False,
    "rope_theta": 10000.0,
}
_QWEN: dict[str, Any] = {**_EVERYWHERE, "use_sliding_window": False}
# What a config.json may leave out because the configuration class says what it is then. Source: transformers 5.23,
# models/{llama,qwen2,qwen3,qwen3_moe}/configuration_*.py, and `default_theta` in modeling_rope_utils.py. The classes have
# defaults for sizes too; those are one model's numbers, and a file without its own is incomplete.
DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": {**_EVERYWHERE, "attention_bias": False, "mlp_bias": False},
    "qwen2": _QWEN,
    "qwen3": {**_QWEN, "attention_bias": False, "head_dim": 128},
    "qwen3_moe": {
        **_QWEN,
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "norm_topk_prob": False,
    },
}

# the only values that are built here, and what is not
_ACTIVATION = (
    ("hidden_act", "silu", "only silu is built here"),
    ("is_causal", True, "attention looks back only, here"),
)
_WINDOW = ("use_sliding_window", False, "attention over a sliding window is not built here")
_NORMED = ("attention_bias", False, "biases beside norms of single heads are not built here")
_BUILT: dict[str, tuple[tuple[str, str | bool | int, str], ...]] = {
    "llama": (*_ACTIVATION, ("mlp_bias", False, "biases in the feed-forward part are not built here")),
    "qwen2": (*_ACTIVATION, _WINDOW),
    "qwen3": (*_ACTIVATION, _WINDOW, _NORMED),
    "qwen3_moe": (
        *(*_ACTIVATION, _WINDOW, _NORMED),
        ("decoder_sparse_step", 1, "every layer has experts here"),
        ("norm_topk_prob", True, "expert weights that do not sum to 1 are not built here"),
    ),
}
_ABSENT = {
    "mlp_only_layers": "every layer has the same kind of feed-forward part here",
    "quantization_config": "packed weights are not read here",
}


@dataclass(frozen=True)
class HfConfig:
    """What a config.json says of a model.

    Attributes:
        json: the file, with the defaults of its class.
        model_type: as it names the model.
        architecture: GGUF's name.
        metadata: hyper-parameters under GGUF's keys.
        divisors: of the rotation's frequencies, float32 [head_dim / 2], where the scaling is llama3's.
        vocabulary, n_heads, n_kv_heads, experts: sizes that the tensors are held against; no experts is 0.
        tied: whether the head is the embedding.
        biased: whether queries, keys and values have biases.
    """

    json: Json
    model_type: str
    architecture: str
    metadata: dict[str, Value]
    divisors: NDArray[np.float32] | None
    vocabulary: int
    n_heads: int
    n_kv_heads: int
    experts: int
    tied: bool
    biased: bool


def read_config_json(folder: Path) -> HfConfig:
    """Reads the config.json of a folder.

    Raises:
        UnusableInput: it is not there, no JSON, or a value is missing, of another type, or out of range.
        UnsupportedModel: another model type, or a feature that is not built here; running without it would be another model.
    """
    path = folder / NAME
    if not path.exists():
        raise UnusableInput(
            f"has no {NAME}",
            where=str(folder),
            hint="give a .gguf or .apr file, or a folder as transformers' save_pretrained writes it",
        )
    content = read_object(path)
    model_type = Json(path, content).text("model_type")
    if model_type not in ARCHITECTURES:
        raise UnsupportedModel(
            f"{model_type!r} is not one this runtime runs",
            where=f"{path}: $.model_type",
            hint=f"it runs {', '.join(ARCHITECTURES)}",
        )
    json = Json(path, content, DEFAULTS[model_type])
    _refuse_what_is_not_built(json, model_type)
    architecture = ARCHITECTURES[model_type]
    hidden, n_heads = json.size("hidden_size"), json.size("num_attention_heads")
    n_kv_heads = _kv_heads(json, model_type, n_heads)
    head_dim = _head_dim(json, hidden, n_heads)
    rope, divisors = rope_keys(json, head_dim)
    experts = _expert_keys(json) if model_type == "qwen3_moe" else {}
    keys: dict[str, Value] = {
        "block_count": json.size("num_hidden_layers"),
        "context_length": json.size("max_position_embeddings"),
        "embedding_length": hidden,
        "feed_forward_length": json.size("intermediate_size"),
        "attention.head_count": n_heads,
        "attention.head_count_kv": n_kv_heads,
        "attention.key_length": head_dim,
        "attention.value_length": head_dim,
        "attention.layer_norm_rms_epsilon": json.number("rms_norm_eps"),
        "vocab_size": json.size("vocab_size"),
        **rope,
        **experts,
    }
    metadata: dict[str, Value] = {"general.architecture": architecture}
    return HfConfig(
        json,
        model_type,
        architecture,
        metadata | {f"{architecture}.{key}": value for key, value in keys.items()},
        divisors,
        vocabulary=json.size("vocab_size"),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        experts=_experts(json) if experts else 0,
        tied=json.flag("tie_word_embeddings"),
        biased=model_type == "qwen2" or json.flag("attention_bias"),
    )


def _kv_heads(json: Json, model_type: str, n_heads: int) -> int:
    """Key heads. As many as query heads where a llama does not say, or a dense qwen says null: so do their classes."""
    key = "num_key_value_heads"
    same = model_type == "llama" or (key in json.content and model_type != "qwen3_moe")
    return n_heads if same and not json.states(key) else json.size(key)


def _head_dim(json: Json, hidden: int, n_heads: int) -> int:
    if json.get("head_dim") is not None:
        head_dim = json.size("head_dim")
    elif hidden % n_heads:
        raise UnusableInput(f"{hidden} dimensions do not divide into {n_heads} heads", where=json.where("hidden_size"))
    else:
        head_dim = hidden // n_heads
    if head_dim > _MAX_HEAD_DIM:
        raise UnusableInput(f"is {head_dim}: at most {_MAX_HEAD_DIM} are read", where=json.where("head_dim"))
    if head_dim % 2:
        raise UnusableInput(f"is {head_dim}: pairs of dimensions rotate", where=json.where("head_dim"))
    return head_dim


def _experts(json: Json) -> int:
    """How many there are; transformers 4 says `num_experts`, 5 says `num_local_experts`."""
    found = {json.size(key) for key in ("num_experts", "num_local_experts") if json.states(key)}
    if len(found) > 1:
        raise UnusableInput("differs from $.num_experts", where=json.where("num_local_experts"))
    return found.pop() if found else json.size("num_experts")


def _expert_keys(json: Json) -> dict[str, Value]:
    return {
        "expert_count": _experts(json),
        "expert_used_count": json.size("num_experts_per_tok"),
        "expert_feed_forward_length": json.size("moe_intermediate_size"),
        "expert_weights_norm": True,
    }


def _refuse_what_is_not_built(json: Json, model_type: str) -> None:
    """Features that some of these models have; running without them would be another model."""
    for name in json.array("architectures"):
        if name != _CLASSES[model_type]:
            raise json.unsupported("architectures", f"only {_CLASSES[model_type]} is built here")
    for key, wanted, why in _BUILT[model_type]:
        value = json.get(key)
        if type(value) is not type(wanted) or value != wanted:
            raise json.unsupported(key, why)
    for key, why in _ABSENT.items():
        if json.get(key) not in (None, []):
            raise json.unsupported(key, why)
    if any(kind != "full_attention" for kind in json.array("layer_types")):
        raise json.unsupported("layer_types", "only full_attention is built here")
