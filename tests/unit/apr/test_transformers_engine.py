"""transformers as a third party: the same stages as the reference, each from its own inputs, to the last bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.reference import Reference
from apr.engines.transformers import library
from apr.engines.transformers.engine import Transformers
from apr.errors import OracleAbsent, OracleError, UnsupportedModel, UsageError
from apr.formats import open_model
from apr.formats.hf_config import DEFAULTS
from apr.models import load
from apr.ops.arithmetic import F32, F64, GGML, Arithmetic
from apr.ops.rope import angles
from apr.parity.isolated import measure_isolated
from apr.stages import StageKey
from tinymodels import FILES, Spec, write_model
from tinymodels.by_transformers import save_by_transformers
from tinymodels.hugging_face import write_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Capture

needed = pytest.mark.skipif(
    not library.is_installed(), reason="torch and transformers are not installed: the extra [transformers]"
)
# what loading the two libraries says about itself is no fault of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

ARCHITECTURES = ("llama", "qwen2", "qwen3", "qwen3moe")
TOKENS = list(range(3, 265, 8))
ROUNDING = {F32.name: 2.0**-24, F64.name: 2.0**-53}
COLUMNS = 128  # of the widest sum in these models: the output projection of 4 heads of 32
SCALINGS: dict[str, dict[str, Any]] = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "yarn-attention": {
        "rope_type": "yarn",
        "factor": 8.0,
        "original_max_position_embeddings": 32,
        "attention_factor": 1.3,
    },
    "yarn-mscale": {
        "rope_type": "yarn",
        "factor": 8.0,
        "original_max_position_embeddings": 32,
        "mscale": 0.7,
        "mscale_all_dim": 0.3,
    },
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
}


def bound(arithmetic: Arithmetic, stage: str, *, divided: bool = False) -> float:
    """How far two sound implementations are apart in relative RMS, each stage from the same inputs.

    With u the rounding of one operation: the roundings of a sum of K products are independent, and a partial sum is no
    larger than the whole in the mean, so a sum is sqrt(K) u off at most, and no stage has more than twelve operations one
    after the other beside it (a norm: square, mean, epsilon, root, quotient, gain; a softmax: scale, maximum, exponential
    good to 2 u, total, quotient; silu less). The two sides round independently, which the maximum of K covers: few sums
    here are that long. Rotation adds its angle: transformers makes it in the arithmetic, position times a frequency that
    three roundings made, while the reference makes it in float64. llama3's divisors are float32 in GGUF's naming, whatever
    the arithmetic, so its frequencies are one rounding of float32 off.
    """
    u = ROUNDING[arithmetic.name]
    allowed: float = (COLUMNS**0.5 + 12) * u
    if stage.endswith("post_rope"):
        allowed += 3 * len(TOKENS) * u + (len(TOKENS) * ROUNDING[F32.name] if divided else 0.0)
    return allowed


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder that transformers saved, made once."""
    made: dict[tuple[Any, ...], Path] = {}

    def find(architecture: str, dtype: str = "float32", scaling: str | None = None, **options: Any) -> Path:
        key = (architecture, dtype, scaling, *options.items())
        if key not in made:
            more: dict[str, Any] = dict(options)
            if scaling is not None:
                more["rope_parameters"] = {"rope_theta": 10000.0, **SCALINGS[scaling]}
            folder = tmp_path_factory.mktemp("saved") / architecture
            with library.quiet():
                made[key] = save_by_transformers(folder, architecture, dtype, **more)
        return made[key]

    return find


def hold(subject: Reference, capture: Capture, *, divided: bool = False) -> None:
    """Every stage of every layer within its bound, in isolation; the same experts."""
    measurement = measure_isolated(subject, capture)
    assert not measurement.missing
    assert [row.key for row in measurement.rows] == subject.model.stage_keys()
    for row in measurement.rows:
        if row.key.stage == "moe_router_indices":
            assert row.difference.bit_identical, row.key
        limit = bound(subject.model.arithmetic, row.key.stage, divided=divided)
        assert row.difference.relative_rms <= limit, row.key


@needed
@pytest.mark.parametrize("arithmetic", [F32, F64], ids=lambda arithmetic: arithmetic.name)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_stage_from_a_folder_that_transformers_saved(
    saved: Callable[..., Path], architecture: str, dtype: str, arithmetic: Arithmetic
) -> None:
    file = open_model(saved(architecture, dtype))
    oracle = Transformers(file, arithmetic)
    capture = oracle.capture(TOKENS)
    subject = Reference(file, arithmetic)
    assert list(capture.stages) == subject.model.stage_keys()
    assert capture.provenance.weights_sha256 == file.weights_sha256
    assert (capture.provenance.engine, capture.provenance.arithmetic) == ("transformers", arithmetic.name)
    hold(subject, capture)
    head = StageKey("lm_head", None)
    assert np.array_equal(oracle.logits(TOKENS), capture[head])
    ours, theirs = subject.capture(TOKENS)[head].astype(np.float64), capture[head]
    # two layers of ten stages each add what `bound` allows one, and amplify none of it more than tenfold
    off = np.sqrt(((ours - theirs) ** 2).mean() / (theirs.astype(np.float64) ** 2).mean())
    assert off <= 200 * bound(arithmetic, "q_post_rope")


@needed
@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_stage_with_scaled_rotation(saved: Callable[..., Path], architecture: str, scaling: str) -> None:
    file = open_model(saved(architecture, scaling=scaling))
    if (architecture, scaling) == ("qwen3", "llama3"):  # GGUF has it for llamas alone
        with pytest.raises(UnsupportedModel, match=r"rope_freqs\.weight"):
            Transformers(file, F64)
        return
    hold(Reference(file, F64), Transformers(file, F64).capture(TOKENS), divided=scaling == "llama3")


@needed
@pytest.mark.parametrize("scaling", SCALINGS)
def test_angles_of_far_positions(saved: Callable[..., Path], scaling: str) -> None:
    import torch

    file = open_model(saved("llama", scaling=scaling))
    rope = load(file, F64).config.rope
    positions = np.array([0, 1, 63, 64, 511, 32_000, 131_071])
    with library.widened(True):
        rotary = Transformers(file, F64)._hf.model.rotary_emb
        cos, sin = rotary(torch.zeros(1, dtype=torch.float64), torch.from_numpy(positions)[None])
    ours = angles(positions, rope)
    # each side makes a frequency with at most eight roundings; GGUF's divisors are float32
    slack = np.abs(ours) * (16 * ROUNDING[F64.name] + (ROUNDING[F32.name] if scaling == "llama3" else 0)) + 1e-15
    for theirs, function in ((cos, np.cos), (sin, np.sin)):
        off = np.abs(theirs[0, :, : rope.dims // 2].numpy() - rope.magnitude * function(ours))
        assert (off <= rope.magnitude * slack).all()


@needed
@pytest.mark.parametrize(
    "name", ["llama-f32", "qwen2-f32", "qwen3-f32", "qwen3moe-f32", "qwen3moe-q8_0", "llama-biased-f32"]
)
def test_every_stage_from_the_weights_of_a_gguf_file(tmp_path: Path, name: str) -> None:
    file = open_model(FILES[name].make(tmp_path / f"{name}.gguf"))
    capture = Transformers(file, F64).capture(TOKENS[:16])
    subject = Reference(file, F64)
    measurement = measure_isolated(subject, capture)
    # the same derivation; the files of this folder have sums of up to 512 products
    limit = (512**0.5 + 12 + 3 * 16) * ROUNDING[F64.name]
    assert max(row.difference.relative_rms for row in measurement.rows) <= limit


@needed
@pytest.mark.parametrize("name", ["llama-linear-f32", "llama-yarn-f32", "llama-llama3-f32", "qwen2-yarn-f32"])
def test_scaled_rotation_of_a_gguf_file(tmp_path: Path, name: str) -> None:
    file = open_model(FILES[name].make(tmp_path / f"{name}.gguf"))
    rows = measure_isolated(Reference(file, F64), Transformers(file, F64).capture(TOKENS)).rows
    for row in rows:
        assert row.difference.relative_rms <= bound(F64, row.key.stage), row.key


@needed
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_folder_read_by_transformers_is_the_gguf_file_filled_in(tmp_path: Path, architecture: str) -> None:
    spec = Spec(architecture, tied=architecture == "qwen2")
    folder, gguf = open_model(write_folder(tmp_path / "hf", spec)), open_model(write_model(tmp_path / "m.gguf", spec))
    read, filled = (Transformers(file, F32).capture(TOKENS[:9]) for file in (folder, gguf))
    assert read.provenance.weights_sha256 == filled.provenance.weights_sha256
    assert read.provenance.model_sha256 != filled.provenance.model_sha256
    for key, array in read.stages.items():
        assert np.array_equal(array, filled[key]), key


@needed
def test_a_sharded_folder_and_an_unread_bias(saved: Callable[..., Path]) -> None:
    file = open_model(saved("llama", shard="60KB", attention_bias=True))
    assert len(file.files) > 2  # type: ignore[attr-defined] # a folder has files
    capture = Transformers(file, F64).capture(TOKENS)
    assert StageKey("qkv_bias", 1) in capture.stages
    hold(Reference(file, F64), capture)


@needed
def test_float64_is_float64_throughout(saved: Callable[..., Path]) -> None:
    """Without `widened` the norms, the rotation and the softmax of a float64 model round to float32."""
    import torch

    oracle = Transformers(open_model(saved("qwen3moe")), F64)
    wide = oracle.logits(TOKENS)
    with torch.no_grad():
        narrow = oracle._hf(torch.tensor([TOKENS]), use_cache=False).logits[0].numpy()
    off = np.abs(wide - narrow).max() / np.abs(wide).max()
    assert 1e-9 < off < 1e-4
    assert torch.get_default_dtype() is torch.float32


@needed
@pytest.mark.parametrize("model_type", DEFAULTS)
def test_what_a_config_json_may_leave_out_is_what_its_class_says(model_type: str) -> None:
    import transformers

    config = transformers.AutoConfig.for_model(model_type)
    said = {**config.to_dict(), "rope_theta": config.rope_parameters["rope_theta"], "is_causal": True}
    assert {key: said[key] for key in DEFAULTS[model_type]} == DEFAULTS[model_type]


@needed
@pytest.mark.parametrize(
    ("tokens", "message"), [([], "no tokens"), ([300], "300 at position 0"), ([1] * 513, "context of 512")]
)
def test_tokens_that_cannot_be_run(saved: Callable[..., Path], tokens: list[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Transformers(open_model(saved("llama"))).capture(tokens)


@needed
def test_stages_on_wish(saved: Callable[..., Path]) -> None:
    wanted = {StageKey("ffn_up", 1), StageKey("embedding", 0)}
    found = dict(Transformers(open_model(saved("llama"))).stream(TOKENS, wanted))
    assert list(found) == [StageKey("embedding", 0), StageKey("ffn_up", 1)]


@needed
def test_a_stage_that_is_not_seen_is_an_error(saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from apr.engines.transformers.recording import Recording

    add = Recording.add
    monkeypatch.setattr(Recording, "add", lambda self, stage, *a: None if stage == "ffn_up" else add(self, stage, *a))
    with pytest.raises(OracleError, match="stage layer-0/ffn_up was not seen"):
        Transformers(open_model(saved("llama")))


@needed
def test_looking_that_changes_the_result_is_an_error(
    saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from apr.engines.transformers.recording import Recording

    add = Recording.add

    def touching(self: Recording, stage: str, layer: int | None, tensor: Any, part: str = "") -> None:
        add(self, stage, layer, tensor, part)
        if stage == "ffn_norm":
            tensor += 1e-3

    monkeypatch.setattr(Recording, "add", touching)
    with pytest.raises(OracleError, match="looking changes the result"):
        Transformers(open_model(saved("llama")))


@needed
@pytest.mark.parametrize("change", ["order", "count"])
def test_experts_that_run_otherwise_are_an_error(
    saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    from apr.engines.transformers import recording

    take = recording._by_position

    def changed(seen: Any, hidden: Any, indices: Any) -> dict[str, Any]:
        if change == "order":
            seen.inputs[0] = seen.inputs[0].flip(0) + 1
        else:
            seen.products.append(seen.products[0])
        return take(seen, hidden, indices)

    monkeypatch.setattr(recording, "_by_position", changed)
    with pytest.raises(OracleError, match="this version of transformers"):
        Transformers(open_model(saved("qwen3moe")))


def test_an_arithmetic_that_transformers_has_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not round as 'ggml' does; it runs f32 and f64"):
        Transformers(open_model(write_model(tmp_path / "m.gguf", Spec())), GGML)


def test_an_absent_library_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(OracleAbsent, match=r"No module named 'torch'; install .* the extra \[transformers\]"):
        Transformers(open_model(write_model(tmp_path / "m.gguf", Spec())))
