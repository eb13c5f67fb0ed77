"""The JSON of .apr files: one meaning or none, one spelling a key, and the writers' spelling."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.errors import UnusableInput, UsageError
from apr.formats.apr import Spelling, canonical, dump_metadata, read_apr
from apr.formats.apr.metadata import ALIASES, KEYS
from apr.formats.apr.strict_json import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEEDED = {"model_type": "llama", "total_size": 12, "param_count": 3}


def nested(levels: int) -> bytes:
    """`levels` containers within each other, the outermost an object."""
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is no JSON"),
    "cut off": (b'{"a":1', "offset 0x46: is no JSON"),
    "more than one": (b"{}{}", "offset 0x42: is no JSON: Extra data"),
    "zeros behind it": (b"{}\0\0", "is no JSON"),
    "not UTF-8": (b'{"a":"\xff"}', "offset 0x46: is not UTF-8"),
    "with a byte order mark": (b"\xef\xbb\xbf{}", "is no JSON"),
    "a list": (b"[1]", "is a JSON list, not an object"),
    "null": (b"null", "is a JSON NoneType, not an object"),
    "a key twice": (b'{"a":1,"b":2,"a":1}', "key 'a' occurs twice"),
    "a key twice deep inside": (b'{"x":[{"a":1,"a":2}]}', "key 'a' occurs twice"),
    "not a number": (b'{"a":NaN}', "NaN is no JSON number"),
    "infinity": (b'{"a":[-Infinity]}', "-Infinity is no JSON number"),
    "a number beyond float64": (b'{"a":[1e999]}', "beyond float64"),
    "a number far below": (b'{"a":{"b":-1e999}}', "beyond float64"),
    "thousands of digits": (b'{"a":' + b"9" * 5000 + b"}", "is no JSON"),
    "half a surrogate": (b'{"a":"\\ud800"}', "half of a surrogate pair"),
    "half a surrogate in a list": (b'{"a":["x","\\uDFFF"]}', "half of a surrogate pair"),
    "half a surrogate as a key": (b'{"\\udabc":1}', "half of a surrogate pair"),
    "deep": (nested(MAX_DEPTH + 1), f"deeper than {MAX_DEPTH}"),
    "so deep that the parser gives up": (b'{"a":' + b"[" * 400_000, f"deeper than {MAX_DEPTH}"),
    "deep objects": (b'{"a":' * 200_000, f"deeper than {MAX_DEPTH}"),
    "half a million lists": (b'{"a":[' + b"[]," * 500_000 + b"[]]}", "more than 500000 objects, arrays and keys"),
    "two spellings": (b'{"hidden_size":1,"n_embd":1}', "'hidden_size' and 'n_embd' are two spellings of 'hidden_size'"),
    "two spellings, one null": (b'{"num_layers":null,"num_hidden_layers":4}', "two spellings of 'num_layers'"),
    "two aliases": (b'{"n_ctx":1,"context_length":1}', "two spellings of 'max_position_embeddings'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_json_with_no_meaning_or_two_is_refused(name: str, by_hand: Callable[..., Any], tmp_path: Path) -> None:
    raw, expected = BROKEN[name]
    path = tmp_path / "x.apr"
    path.write_bytes(by_hand(raw).bytes)
    with pytest.raises(UnusableInput) as refusal:
        read_apr(path)
    assert expected in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}: metadata, offset 0x4")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b' {"a" : 1}\n',
        b'{"a":"\\ud83d\\ude00"}',
        nested(MAX_DEPTH),
        b'{"a":-0.0,"b":1e308}',
        '{"é":"ü"}'.encode(),
    ],
)
def test_sound_json_is_read(raw: bytes, by_hand: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "x.apr").write_bytes(by_hand(raw).bytes)
    assert read_apr(tmp_path / "x.apr").metadata == json.loads(raw)


# --- canonical keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alias", "key"), [(alias, key) for key, aliases in ALIASES.items() for alias in aliases])
def test_every_alias_is_its_key(alias: str, key: str) -> None:
    assert canonical({"model_type": "x", alias: 8, "other": {"n_embd": 1}}) == {
        "model_type": "x",
        key: 8,
        "other": {"n_embd": 1},
    }
    for other in {key, *ALIASES[key]} - {alias}:
        with pytest.raises(UnusableInput, match=f"two spellings of '{key}'"):
            canonical({alias: 8, other: 8}, "x.apr: metadata")


def test_the_groups_are_those_of_the_runtime_that_reads_these_files() -> None:
    """Written down a second time: a group that loses a member would lose a file's dimension."""
    assert {key: set(names) for key, names in ALIASES.items()} == {
        "hidden_size": {"hidden_dim", "d_model", "n_embd"},
        "num_layers": {"num_hidden_layers", "n_layers", "n_layer"},
        "num_heads": {"num_attention_heads", "n_heads", "n_head"},
        "num_kv_heads": {"num_key_value_heads", "n_kv_heads"},
        "vocab_size": {"n_vocab"},
        "intermediate_size": {"ffn_dim", "intermediate_dim", "n_inner"},
        "max_position_embeddings": {"max_seq_len", "context_length", "n_ctx"},
        "rms_norm_eps": {"layer_norm_eps", "norm_eps"},
    }
    assert len(set(KEYS)) == 35


def test_null_means_absent_and_order_is_the_writers() -> None:
    given_ = {"z": None, "vocab_size": 3, "d_model": 2, "license": None, "model_type": "x", "rope_theta": None}
    assert list(canonical(given_).items()) == [("model_type", "x"), ("hidden_size", 2), ("vocab_size", 3), ("z", None)]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"n_embd": "8"}, '$.n_embd: must be a whole number from 0, not "8"'),
        ({"hidden_size": True}, "$.hidden_size: must be a whole number from 0, not true"),
        ({"hidden_size": 8.0}, "not 8.0"),
        ({"hidden_size": -1}, "not -1"),
        ({"hidden_size": 2**63}, "must be a whole number"),
        ({"rope_theta": "1e4"}, "$.rope_theta: must be a number"),
        ({"rope_theta": True}, "must be a number, not true"),
        ({"rope_theta": 1e39}, "must be a number"),
        ({"rope_theta": 10**400}, "must be a number"),
        ({"architecture": 7}, "must be a text, not 7"),
        ({"architecture": ["x" * 100]}, "..."),
        ({"sharding": "2 of 3"}, "must be an object"),
        ({"quantization": 4}, "must be an object"),
    ],
)
def test_a_value_of_another_type_is_refused_where_it_is_used(metadata: dict[str, Any], expected: str) -> None:
    with pytest.raises(UnusableInput) as refusal:
        canonical(metadata, "x.apr: metadata")
    assert expected in str(refusal.value)
    assert str(refusal.value).startswith("x.apr: metadata, $.")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("quantization", ["Q4_K_M", {"quant_type": "Q4_K", "bits": 4}])
def test_both_ways_to_state_the_quantisation(quantization: Any) -> None:
    assert canonical({"quantization": quantization}) == {"quantization": quantization}


# --- writing ----------------------------------------------------------------------------------------------------------


def test_three_keys_are_null_and_the_rest_is_left_out() -> None:
    assert dump_metadata({"param_count": 3, "x": None, "total_size": 12, "name": None, "model_type": "llama"}) == (
        b'{"model_type":"llama","license":null,"data_source":null,"data_license":null,"total_size":12,"param_count":3,'
        b'"x":null}'
    )
    old = json.loads(dump_metadata(NEEDED, Spelling.NULLS))
    assert list(old) == list(KEYS)
    assert {key: value for key, value in old.items() if value is not None} == NEEDED
    assert dump_metadata({"b": 1, "a": None}, Spelling.GIVEN) == b'{"a":null,"b":1}'


@pytest.mark.parametrize("spelling", Spelling)
def test_a_key_under_an_alias_is_not_written_a_second_time(spelling: Spelling) -> None:
    content = json.loads(dump_metadata({**NEEDED, "num_hidden_layers": 4}, spelling))
    assert content["num_hidden_layers"] == 4
    assert "num_layers" not in content
    assert canonical(content)["num_layers"] == 4


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e-6, 1e-5, 1e4, 5e5, 1e6, 1e7, 9.999999974752427e-07])
)
def test_float32_settings_come_back_as_that_float32(value: float) -> None:
    expected = struct.unpack("<f", struct.pack("<f", value))[0]
    raw = dump_metadata({**NEEDED, "rope_theta": value, "norm_eps": value})
    for key in ("rope_theta", "rms_norm_eps"):
        assert canonical(json.loads(raw))[key] == expected


def test_float32_settings_are_written_short() -> None:
    rounded = struct.unpack("<f", struct.pack("<f", 1e-6))[0]
    assert json.loads(dump_metadata({**NEEDED, "rms_norm_eps": rounded}))["rms_norm_eps"] == 1e-6
    assert b'"rope_theta":10000.0' in dump_metadata({**NEEDED, "rope_theta": 10000})


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, "key 'model_type' is missing"),
        ({"model_type": "x", "total_size": 1}, "key 'param_count' is missing"),
        ({**NEEDED, "hidden_size": 1, "n_embd": 1}, "two spellings of 'hidden_size'"),
        ({**NEEDED, "a": float("nan")}, "is no JSON"),
        ({**NEEDED, "a": {1, 2}}, "is no JSON"),
        ({**NEEDED, "a": b"x"}, "is no JSON"),
        ({**NEEDED, "a": "\ud800"}, "is no JSON"),
        ({**NEEDED, "rope_theta": 1e39}, "must be a number that float32 holds"),
        ({**NEEDED, "rope_theta": "x"}, "must be a number that float32 holds"),
        ({**NEEDED, "a": json.loads(b"[" * 100 + b"]" * 100)}, "deeper than"),
        (dict[Any, Any](NEEDED) | {1: "a", "1": "b"}, "occurs twice"),
        ({**NEEDED, "a": "x" * (16 << 20)}, "at most 16777216 are possible"),
    ],
)
def test_metadata_that_nobody_could_read_is_not_written(metadata: dict[Any, Any], expected: str) -> None:
    with pytest.raises(UsageError) as refusal:
        dump_metadata(metadata)
    assert expected in str(refusal.value)
