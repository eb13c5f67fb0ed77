"""The vocabulary of stages and the little grammars of the command line."""

from __future__ import annotations

import pytest

from apr import stages
from apr.capture import expected_keys
from apr.errors import UsageError
from apr.stages import StageKey, canonical, parse_layers, parse_stages


def test_there_are_twenty_four_names_for_twenty_three_stages() -> None:
    assert len(stages.NAMES) == len(set(stages.NAMES)) == 24
    assert len(stages.CANONICAL) == 23
    assert set(stages.NAMES) - set(stages.CANONICAL) == set(stages.ALIASES)


def test_names_are_cleaned_and_aliases_resolved() -> None:
    assert canonical(" Layer_Output\t") == "post_ffn_residual"
    assert parse_stages("lm_head, ffn_gate,FFN_GATE,layer_output,post_ffn_residual") == (
        "ffn_gate",
        "post_ffn_residual",
        "lm_head",
    )
    assert parse_stages(" ALL ") == stages.CANONICAL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ffn_gat", "did you mean 'ffn_gate'"),
        ("zzz", "valid stages: embedding, "),
        ("", "empty"),
        ("a,,b", "empty"),
        (",", "empty"),
    ],
)
def test_unknown_and_empty_names_are_refused(text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        [canonical(part) for part in text.split(",") if part != "a"]


def test_layers_exclude_their_end() -> None:
    assert parse_layers("0..4") == range(4)
    assert parse_layers(" 2 .. 3 ") == range(2, 3)


@pytest.mark.parametrize("text", ["", "3", "..", "1..", "..2", "-1..2", "a..b", "1...3", "4..4", "5..4", "²..4"])
def test_other_layer_ranges_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--save-tensor-layers"):
        parse_layers(text)


def test_a_complete_capture_is_in_forward_order() -> None:
    keys = expected_keys(("embedding", "attn_norm", "ffn_out", "lm_head"), 2)
    assert keys == [
        StageKey("embedding", 0),
        StageKey("attn_norm", 0),
        StageKey("ffn_out", 0),
        StageKey("attn_norm", 1),
        StageKey("ffn_out", 1),
        StageKey("lm_head", None),
    ]
    assert [str(key) for key in keys[:1] + keys[-1:]] == ["layer-0/embedding", "lm_head"]
