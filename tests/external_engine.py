"""An engine that shares no code with the runtime: llama models in GGUF, in plain numpy, and at will with one bug.

python tests/external_engine.py --model MODEL --tokens 1,2,3 --out DIR [--stages all] [--bug NAME] [--float64] [--silent]
python tests/external_engine.py --list

It is what `cmd:` is for: stage files and a `capture.json` from somebody else. `--silent` leaves `capture.json` out.
`--list` prints, a bug a line, the stage, the layer (`-` for the whole model) and the kind of error that a diagnosis has to name.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


class Bug(NamedTuple):
    """One bug, and what a correct diagnosis says of it.

    Attributes:
        stage: where it is born.
        layer: the first one that has it; None for stages of the whole model.
        everywhere: whether every layer has it.
        kind: of error.
        what: in one line.
    """

    stage: str
    layer: int | None
    everywhere: bool
    kind: str
    what: str


BUGS = {
    "rope-halves": Bug("q_post_rope", 0, True, "rotation", "rotates halves of a head instead of neighbours"),
    "rope-theta": Bug("q_post_rope", 0, True, "rotation", "rotates by a base ten times too large"),
    "rope-backwards": Bug("q_post_rope", 0, True, "rotation", "rotates the other way round"),
    "position-off-by-one": Bug("q_post_rope", 0, True, "rotation", "counts positions from 1"),
    "no-scale": Bug("attention", 0, True, "scale", "does not divide scores by the root of the head's size"),
    "no-mask": Bug("attention", 0, True, "mask", "lets positions look ahead"),
    "kv-tiled": Bug("attention", 0, True, "permutation", "gives query head h the key head h mod n, not h div group"),
    "wrong-eps": Bug("attn_norm", 0, True, "epsilon", "adds 1e-6 under the root, whatever the file says"),
    "norm-without-weight": Bug("ffn_norm", 1, False, "gain by channel", "forgets the weight of one norm"),
    "gelu": Bug("ffn_silu", 0, True, "activation", "has GELU for SiLU"),
    "no-residual": Bug("post_attn_residual", 1, False, "missing term", "does not add what came in"),
    "gate-up-swapped": Bug(
        "ffn_gate", 1, False, "wrong weights", "takes the gate's weight for up's and the other way round"
    ),
    "o-transposed": Bug("attn_out", 1, False, "transposition", "multiplies with the transposed output projection"),
    "last-input-dropped": Bug("ffn_out", 1, False, "last element", "sums one input too few"),
    "channel-gain": Bug("ffn_up", 1, False, "channel", "multiplies column 7 by 1.05"),
    "output-gain": Bug("attn_out", 1, False, "gain", "multiplies by 1.002"),
    "half-precision": Bug("ffn_out", 1, False, "rounding", "rounds the result to float16"),
    "wrong-token": Bug("embedding", 0, False, "token", "looks up the next id at the second position"),
    "head-shifted": Bug("lm_head", None, False, "shift", "has every logit one id too late"),
    "no-final-norm": Bug("final_norm", None, False, "missing term", "forgets the last norm"),
}
CHANNEL = 7


class Model:
    """A llama model's numbers.

    Attributes:
        type: of every number.
        heads, groups: query heads, and how many of them share a key head.
        size: of a head.
        turned: how many of a head's numbers are rotated.
    """

    def __init__(self, path: Path, number: type[Any]) -> None:
        reader = GGUFReader(path)
        self._fields = {
            name: field.contents() for name, field in reader.fields.items() if name.startswith(("general", "llama"))
        }
        if self._fields["general.architecture"] != "llama":
            raise SystemExit(f"{path} holds no llama model")
        if any(name.startswith("llama.rope.scaling") for name in self._fields):
            raise SystemExit(f"{path} scales its rotation, which is not done here")
        self.type = number
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}
        if "rope_freqs.weight" in self._tensors or "blk.0.attn_q.bias" in self._tensors:
            raise SystemExit(f"{path} has tensors that are not used here")
        self.layers = int(self._fields["llama.block_count"])
        self.heads = int(self._fields["llama.attention.head_count"])
        self.groups = self.heads // int(self._fields.get("llama.attention.head_count_kv", self.heads))
        self.size = int(
            self._fields.get("llama.attention.key_length", self._fields["llama.embedding_length"] // self.heads)
        )
        self.turned = int(self._fields.get("llama.rope.dimension_count", self.size))
        self.eps = float(self._fields["llama.attention.layer_norm_rms_epsilon"])
        self.theta = float(self._fields.get("llama.rope.freq_base", 10000.0))

    def weight(self, name: str, layer: int | None = None) -> Any:
        """A tensor as numbers, [rows, columns] or [columns]; the head may be the embedding."""
        full = f"{name}.weight" if layer is None else f"blk.{layer}.{name}.weight"
        if full == "output.weight" and full not in self._tensors:
            full = "token_embd.weight"
        tensor = self._tensors[full]
        return dequantize(tensor.data, tensor.tensor_type).astype(self.type)


def norm(x: Any, weight: Any, eps: float) -> Any:
    """Divides rows by the root of their mean square, and multiplies columns."""
    mean = np.mean(x.astype(np.float64) ** 2, axis=-1, keepdims=True)
    return (x / np.sqrt(mean + eps)).astype(x.dtype) * weight


def rotate(x: Any, positions: Any, model: Model, bug: str | None) -> Any:
    """Turns pairs of every head: [positions, heads * size]."""
    heads = x.reshape(len(x), -1, model.size).astype(np.float64)
    pairs = model.turned // 2
    theta = model.theta * (10 if bug == "rope-theta" else 1)
    angle = positions[:, None] * theta ** (-np.arange(pairs) / pairs)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None] * (-1 if bug == "rope-backwards" else 1)
    first, second = np.arange(0, model.turned, 2), np.arange(1, model.turned, 2)
    if bug == "rope-halves":
        first, second = np.arange(pairs), np.arange(pairs, model.turned)
    out = heads.copy()
    out[..., first] = heads[..., first] * cos - heads[..., second] * sin
    out[..., second] = heads[..., first] * sin + heads[..., second] * cos
    return out.reshape(x.shape).astype(x.dtype)


def attend(q: Any, k: Any, v: Any, model: Model, bug: str | None) -> Any:
    """What every position takes from the values before it: [positions, heads * size]."""
    q, k, v = (x.reshape(len(x), -1, model.size) for x in (q, k, v))
    out = np.empty(q.shape, q.dtype)
    future = np.triu(np.ones((len(q), len(q)), bool), 1)
    for head in range(model.heads):
        shared = head % k.shape[1] if bug == "kv-tiled" else head // model.groups
        scores = (q[:, head] @ k[:, shared].T).astype(np.float64)
        if bug != "no-scale":
            scores /= np.sqrt(model.size)
        if bug != "no-mask":
            scores[future] = -np.inf
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        out[:, head] = share.astype(q.dtype) @ v[:, shared]
    return out.reshape(len(q), -1)


def activate(x: Any, bug: str | None) -> Any:
    """SiLU, or the tanh form of GELU."""
    wide = x.astype(np.float64)
    if bug == "gelu":
        return (wide / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))).astype(x.dtype)
    return (wide / (1 + np.exp(-wide))).astype(x.dtype)


def run(model: Model, tokens: list[int], bug: str | None) -> dict[tuple[str, int | None], Any]:
    """Every stage of one pass by name and layer, in order, each [positions, width]."""
    stages: dict[tuple[str, int | None], Any] = {}
    planted = BUGS.get(bug or "")
    eps = 1e-6 if bug == "wrong-eps" else model.eps
    ids, positions = np.array(tokens), np.arange(len(tokens), dtype=np.float64)
    if bug == "position-off-by-one":
        positions = positions + 1
    table = model.weight("token_embd")
    if bug == "wrong-token":
        ids[min(1, len(ids) - 1)] += 1
    x = stages["embedding", 0] = table[ids % len(table)]
    for layer in range(model.layers):
        here = bug if planted and (planted.everywhere or planted.layer == layer) else None
        x = run_layer(model, layer, x, positions, eps, here, stages)
    final = x if bug == "no-final-norm" else norm(x, model.weight("output_norm"), eps)
    stages["final_norm", None] = final
    head = model.weight("output")
    stages["lm_head", None] = final @ (np.roll(head, 1, axis=0) if bug == "head-shifted" else head).T
    return stages


def run_layer(
    model: Model,
    layer: int,
    x: Any,
    positions: Any,
    eps: float,
    bug: str | None,
    stages: dict[tuple[str, int | None], Any],
) -> Any:
    """One layer: adds its stages, and returns what the next one reads."""
    q, k, v, o, gate_weight, up_weight, down = (
        model.weight(name, layer)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    )
    if bug == "gate-up-swapped":
        gate_weight, up_weight = up_weight, gate_weight
    if bug == "o-transposed":
        o = o.T
    h = stages["attn_norm", layer] = norm(x, model.weight("attn_norm", layer), eps)
    queries, keys, values = h @ q.T, h @ k.T, h @ v.T
    stages["qkv_matmul", layer] = np.concatenate([queries, keys, values], axis=-1)
    queries = stages["q_post_rope", layer] = rotate(queries, positions, model, bug)
    keys = stages["k_post_rope", layer] = rotate(keys, positions, model, bug)
    mixed = stages["attention", layer] = attend(queries, keys, values, model, bug)
    out = mixed @ o.T
    if bug == "output-gain":
        out = out * model.type(1.002)
    stages["attn_out", layer] = out
    x = stages["post_attn_residual", layer] = out if bug == "no-residual" else x + out
    scale = model.weight("ffn_norm", layer)
    h = stages["ffn_norm", layer] = norm(x, np.ones_like(scale) if bug == "norm-without-weight" else scale, eps)
    gate = stages["ffn_gate", layer] = h @ gate_weight.T
    up = h @ up_weight.T
    if bug == "channel-gain":
        up[:, CHANNEL] *= model.type(1.05)
    stages["ffn_up", layer] = up
    active = stages["ffn_silu", layer] = activate(gate, bug)
    product = stages["ffn_swigl", layer] = active * up
    made = product[:, :-1] @ down[:, :-1].T if bug == "last-input-dropped" else product @ down.T
    if bug == "half-precision":
        made = made.astype(np.float16).astype(made.dtype)
    stages["ffn_out", layer] = made
    stages["post_ffn_residual", layer] = x + made
    return stages["post_ffn_residual", layer]


def write(folder: Path, stages: dict[tuple[str, int | None], Any], wanted: set[str] | None) -> list[dict[str, Any]]:
    """Writes stage files; returns their entries in `capture.json`."""
    entries = []
    for (stage, layer), array in stages.items():
        if wanted is not None and stage not in wanted:
            continue
        name = f"{stage}.bin" if layer is None else f"layer-{layer}/{stage}.bin"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack("<4sII", b"APRT", 0xFFFFFFFF if layer is None else layer, array.size)
        (folder / name).write_bytes(header + np.ascontiguousarray(array, "<f4").tobytes())
        entries.append({"path": name, "stage": stage, "layer": layer, "shape": list(array.shape)})
    return entries


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tokens", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--stages", default="all")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--bug", choices=tuple(BUGS))
    parser.add_argument("--float64", action="store_true", help="compute in float64")
    parser.add_argument("--silent", action="store_true", help="write no capture.json")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        for name, bug in BUGS.items():
            print(name, bug.stage, "-" if bug.layer is None else bug.layer, bug.kind, bug.what, sep="\t")  # noqa: T201
        return 0
    if not (args.model and args.tokens and args.out):
        parser.error("--model, --tokens and --out are needed")
    number = np.float64 if args.float64 else np.float32
    stages = run(Model(args.model, number), args.tokens, args.bug)
    entries = write(args.out, stages, None if args.stages == "all" else set(args.stages.split(",")))
    if not args.silent:
        with args.model.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        provenance = {
            "engine": "external_engine.py",
            "build": f"numpy {np.__version__}{f', bug {args.bug}' if args.bug else ''}",
            "arithmetic": "f64" if args.float64 else "f32",
            "architecture": "llama",
            "model_sha256": digest,
            "tokens": args.tokens,
            "positions": list(range(len(args.tokens))),
            "weights_sha256": None,
        }
        content = {"schema": "apr-capture-v1", "provenance": provenance, "files": entries}
        (args.out / "capture.json").write_text(json.dumps(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
