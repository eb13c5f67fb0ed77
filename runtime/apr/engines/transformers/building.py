"""A causal language model of transformers: read by transformers itself from a folder, or filled with any file's weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.engines.transformers.library import libraries, widened
from apr.formats.hf_weights import neighbours
from apr.formats.names import hf_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile
    from apr.models import Model
    from apr.models.config import Config

_CLASSES = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3", "qwen3moe": "Qwen3Moe"}
_EAGER = {"attn_implementation": "eager", "experts_implementation": "eager"}


def build(file: ModelFile, model: Model) -> Any:
    """The model, in eval mode and with eager attention, in float64 if the arithmetic is.

    Args:
        file: a folder in Hugging Face's layout, which transformers reads, or any other model file, whose decoded weights
            are put into a model that transformers makes of the same hyper-parameters.
        model: the reference's own model of the file, for both.

    Raises:
        OracleAbsent: no transformers.
    """
    torch, transformers = libraries()
    wide = model.arithmetic.dtype is np.float64
    dtype = torch.float64 if wide else torch.float32
    if file.format == "safetensors":
        made = transformers.AutoModelForCausalLM.from_pretrained(  # a folder here, never the Hub # nosec B615
            str(file.path), dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False, **_EAGER
        )
    else:
        made = _filled(model, dtype)
    made.eval()
    with widened(wide):  # frequencies are computed when the module is made, and in float32 at first
        made.model.rotary_emb = type(made.model.rotary_emb)(made.config)
    divisors = model.config.rope.divisors
    if file.format != "safetensors" and divisors is not None:
        made.model.rotary_emb.inv_freq /= torch.tensor(divisors, dtype=made.model.rotary_emb.inv_freq.dtype)
    return made


def _filled(model: Model, dtype: Any) -> Any:
    """A model of transformers with the decoded weights of a file."""
    torch, transformers = libraries()
    name = _CLASSES[model.config.architecture]
    config = getattr(transformers, f"{name}Config")(**_hyper_parameters(model))
    kind = getattr(transformers, f"{name}ForCausalLM")
    with torch.device("meta"):
        made = kind._from_config(config, dtype=dtype, **_EAGER)  # noqa: SLF001 # as its own documentation has it
    weights = {key: torch.from_numpy(np.array(array)).to(dtype) for key, array in _state(model).items()}
    if "output.weight" not in model.weights:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    made.load_state_dict(weights, strict=True, assign=True)
    return made


def _hyper_parameters(model: Model) -> dict[str, Any]:
    c: Config = model.config
    rotation: dict[str, Any] = {"rope_type": "default", "rope_theta": c.rope.theta}
    if c.rope.yarn is not None:
        rotation |= {
            "rope_type": "yarn",
            "factor": c.rope.factor,
            "original_max_position_embeddings": c.rope.yarn.original_context,
            "attention_factor": float(c.rope.magnitude),
        }
    elif c.rope.factor != 1.0:
        rotation |= {"rope_type": "linear", "factor": c.rope.factor}
    said: dict[str, Any] = {
        "vocab_size": c.vocabulary,
        "hidden_size": c.hidden,
        "intermediate_size": c.feed_forward,
        "num_hidden_layers": c.n_layers,
        "num_attention_heads": c.n_heads,
        "num_key_value_heads": c.n_kv_heads,
        "head_dim": c.head_dim,
        "max_position_embeddings": c.context,
        "rms_norm_eps": c.epsilon,
        "rope_parameters": rotation,
        "tie_word_embeddings": "output.weight" not in model.weights,
    }
    if c.architecture == "llama":
        said["attention_bias"] = model.has_bias
    if c.experts is not None:
        said |= {
            "num_experts": c.experts.count,
            "num_experts_per_tok": c.experts.used,
            "moe_intermediate_size": c.experts.feed_forward,
            "norm_topk_prob": True,
        }
    return said


def _state(model: Model) -> dict[str, NDArray[np.float32]]:
    """Every decoded tensor by the name of its parameter in transformers, rows in Hugging Face's order."""
    state: dict[str, NDArray[np.float32]] = {}
    for name in model.weights.names():
        if name == "rope_freqs.weight" or "ffn_up_exps" in name:
            continue
        if name.endswith("_exps.weight"):
            layer = name.split(".")[1]
            prefix = f"model.layers.{layer}.mlp.experts."
            if "ffn_down" in name:
                state[prefix + "down_proj"] = _packed(model, name)
            else:
                both = (_packed(model, f"blk.{layer}.ffn_{part}_exps.weight") for part in ("gate", "up"))
                state[prefix + "gate_up_proj"] = np.concatenate(list(both), axis=1)
            continue
        array = model.weights.dequantised(name)
        part = name.removesuffix(".weight").removesuffix(".bias").rpartition(".")[2]
        if part in ("attn_q", "attn_k") and model.config.rope.kind == "norm":
            heads = model.config.n_heads if part == "attn_q" else model.config.n_kv_heads
            array = array[np.argsort(neighbours(len(array), heads))]
        state[hf_name(model.config.architecture, name)] = array
    if model.config.architecture == "llama" and model.has_bias:  # transformers gives the output projection one too
        for number in range(model.config.n_layers):
            bias = f"model.layers.{number}.self_attn.o_proj.bias"
            state.setdefault(bias, np.zeros(model.config.hidden, np.float32))
    return state


def _packed(model: Model, name: str) -> NDArray[np.float32]:
    """[experts, rows, columns], decoded."""
    shape = model.weights.shape(name)
    out = np.empty((math.prod(shape[:-1]), shape[-1]), np.float32)
    for part, rows in model.weights.matrix(name):
        out[part] = rows
    return out.reshape(shape)
