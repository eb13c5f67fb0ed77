"""The card on the terminal: the answer comes first, nothing is folded or coloured where it must not be, foreign text is harmless."""

from __future__ import annotations

import math
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.parity import summary
from apr.parity.card import print_card
from apr.parity.metrics import IdAccumulator, compare_arrays
from apr.parity.null import base
from apr.parity.result import Gate, Measurement, Party, Power, Verdict
from apr.parity.verdict import judge
from apr.stages import StageKey

if TYPE_CHECKING:
    from types import ModuleType

    from apr.parity.metrics import Difference

HERE = Path(__file__).resolve().parent
REPLAY = "apr parity llama.cpp --against numpy:ggml model.gguf --tokens 1,2 --stages attn_out --layers 1..2"
SHOW = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import builders
from apr.parity.card import print_card
made = builders.measurement(model=builders.HOSTILE)
print_card(made, builders.verdict(made), {REPLAY!r})
"""


def printed(capsys: pytest.CaptureFixture[str], made: Measurement, verdict: Verdict, replay: str = REPLAY) -> list[str]:
    print_card(made, verdict, replay)
    return capsys.readouterr().out.splitlines()


def test_the_first_line_is_the_answer_and_the_card_says_everything(
    builders: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    made = builders.measurement()
    lines = printed(capsys, made, builders.verdict(made))
    assert lines[0] == (
        "DIVERGES: The sides part at attn_out, layer 1, position 5, channel 17: gain; the subject is wrong."
    )
    said = dict(re.split(r": +", line, maxsplit=1) for line in lines[1 : lines.index("")])
    assert (
        said["born here"] == "on the oracle's inputs it is 0.002 off, allowed is 1.1e-06 (relative RMS of the position)"
    )
    assert said["kind"].startswith("gain: 1.0020 times the expected values; explains 99.8%")
    assert said["who"] == "subject: two of three agree"
    assert "1,818 times the bound" in said["how sure"]
    assert "1e-06" in said["how sure"]
    assert "gain 1.2e-06, bias 3.4e-07, one channel 5.6e-06, one element 7.8e-05" in said["power"]
    assert said["runner-up"] == "final_norm, whole model: 3.2 times the bound"
    assert said["inherited"] == "23 later stages inherit the difference and are sound in themselves"
    assert said["why"] == "subject at attn_out, layer 1, from float64: activation rounding 4%, operation 96%"
    assert "oracle harmless: not probed (it always captures)" in said["gates"]
    assert "arithmetic ggml, fits ggml" in said["subject"]
    assert said["predictions"] == (
        "after free runs KL is 0.0003 nats at the worst position, the likeliest token is the same everywhere, "
        "90% of the ten likeliest are shared at least"
    )
    assert said["see it again"] == REPLAY


def test_the_table_shows_what_is_around_the_first_divergence_and_marks_it(
    builders: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    made = builders.measurement()
    lines = printed(capsys, made, builders.verdict(made))
    table = [line.split() for line in lines[lines.index("") + 2 : -1]]
    assert [row[0] for row in table[:4]] == ["k_post_rope", "attention", "attn_out", "post_attn_residual"]
    assert [row[-1] for row in table[:4]] == ["within", "within", "FIRST", "inherits"]
    assert table[-1][0] == "final_norm"
    assert table[-1][-1] == "born"
    free, isolated, gain = (float(table[3][column]) for column in (4, 2, 5))
    assert gain == pytest.approx(free / isolated, rel=0.1)
    assert lines[-1].startswith("33 more rows")
    assert max(map(len, lines[lines.index("") :])) <= 80


def test_an_agreeing_run_shows_of_each_stage_the_layer_nearest_to_its_bound(
    builders: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    made = builders.measurement(fault=None)
    verdict = builders.verdict(made, None)
    lines = printed(capsys, made, verdict)
    assert lines[0] == "AGREES: Every stage is within what rounding explains."
    table = [line.split() for line in lines[lines.index("") + 2 : -1]]
    assert [row[0] for row in table] == ["embedding", *builders.STAGES, "final_norm", "lm_head"]
    nearest = {row.key: row.excess or 0 for row in summary.rows(made, verdict)}
    for stage, layer, *_ in table[1:-2]:
        assert nearest[StageKey(stage, int(layer))] == max(nearest[StageKey(stage, other)] for other in range(3))


def test_several_prompts_share_a_row_and_the_worst_is_named(
    builders: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    made = builders.measurement(prompts=2)
    lines = printed(capsys, made, builders.verdict(made))
    row = next(line.split() for line in lines if line.endswith("FIRST"))
    assert row[6] == "0:5"  # the fault is in prompt 0
    assert "(prompt 0)" in "\n".join(lines)


def test_what_is_missing_or_incomparable_is_said(builders: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    made = builders.measurement(fault=None)
    gone = StageKey("ffn_up", 1)
    made.cells = [cell for cell in made.cells if cell.key != gone]
    made.missing.append(("subject", gone, "was not written"))
    made.gates.append(Gate("oracle", "deterministic", passed=False, detail="3 of 9 bytes"))
    verdict = replace(builders.verdict(made, None), outcome="inconclusive", reason="ffn_up is missing", complete=False)
    text = "\n".join(printed(capsys, made, verdict))
    assert text.startswith("INCONCLUSIVE: ffn_up is missing.\n")
    assert "1 of 45 expected stages were not compared: layer-1/ffn_up of the subject: was not written" in text
    assert "oracle deterministic: NO (3 of 9 bytes)" in text
    # another layer has that stage, and comes nearer to its bound; the gap is shown all the same
    gaps = [line.split() for line in text.splitlines() if line.startswith("ffn_up ")]
    assert [(row[1], row[-1]) for row in gaps if row[-1] == "MISSING"] == [("1", "MISSING")]
    assert len(gaps) == 2
    (row,) = [row for row in summary.rows(made, verdict) if row.key == gone]
    assert (row.state, row.isolated, row.gain) == ("missing", None, None)
    refused = Measurement(Party("a", "a", "", "f32"), Party("b", "b", "", "f32"), incomparable="7 tokens and 1 token")
    verdict = Verdict("incomparable", "7 tokens and 1 token", comparable=False, complete=False, alpha=1e-6)
    assert printed(capsys, refused, verdict, "")[0] == "INCOMPARABLE: 7 tokens and 1 token."


def test_a_bound_set_by_hand_is_the_one_that_is_shown(builders: ModuleType) -> None:
    made = builders.measurement(fault=None)
    verdict = replace(builders.verdict(made, None), by_hand={"ffn_up": 0.5})
    by_hand = [row for row in summary.rows(made, verdict) if row.key.stage == "ffn_up"]
    assert {row.bound for row in by_hand} == {0.5}
    assert all((row.excess or 0) < 1e-5 for row in by_hand)
    assert all((row.bound or 1) < 1e-3 for row in summary.rows(made, verdict) if row.key.stage == "ffn_out")
    everywhere = summary.rows(made, replace(verdict, by_hand={"all": 0.25, "ffn_up": 0.5}))
    assert {row.bound for row in everywhere} == {0.25, 0.5}
    assert "bounds set by hand apart" in dict(summary.facts(made, verdict))["how sure"]


def test_a_judged_free_run_without_isolated_views_has_its_excess(builders: ModuleType) -> None:
    made = builders.measurement(layers=2)
    verdict = builders.verdict(made)
    tested = {(one.prompt, one.key): one.tests for one in made.cells if one.view == "isolated"}
    made.cells = [replace(one, tests=tested[one.prompt, one.key]) for one in made.cells if one.view == "accumulated"]
    found = {row.key: row for row in summary.rows(made, verdict)}
    assert (found[builders.FAULT].excess or 0) > 1000
    assert (found[StageKey("ffn_up", 0)].excess or 9) < 1


def test_no_power_is_claimed_where_a_bound_was_set_by_hand(builders: ModuleType) -> None:
    from apr.parity.verdict import Bounds, judge

    made = builders.measurement(fault=None)
    assert "ffn_up" in judge(made).power
    assert "ffn_up" not in judge(made, Bounds(by_hand={"ffn_up": 0.5}, because="a test")).power
    assert judge(made, Bounds(by_hand={"all": 0.5}, because="a test")).power == {}


def exact(made: Measurement, key: StageKey, stage_difference: Difference) -> Verdict:
    """A run of one stage in which every bit must agree and some do not, judged."""
    cell = replace(
        made.cells[0],
        key=key,
        view="isolated",
        difference=stage_difference,
        positions=(math.inf,) * 2 if stage_difference.integers else (0.0, 3e-8),
        tests=(
            base.Test("element", math.inf, 1, 1, 0.0, 1, 3),
            base.Test("position", math.inf, 1, 2, 0.0, 1),
            base.Test("stage", math.inf, 1, 1, 0.0),
            base.Test("gain", 0.0, 1, 1, 0.0),
        ),
        kind=None,
        histogram=None,
    )
    made.cells, made.expected, made.votes, made.ladders = [cell], (key,), {}, {}
    return judge(made)


def test_where_every_bit_must_agree_the_card_speaks_of_bits_and_not_of_rounding(builders: ModuleType) -> None:
    made = builders.measurement(layers=2)
    a, b = np.ones((2, 8), np.float32), np.ones((2, 8), np.float32)
    a[1, 3] += np.float32(2**-23)
    verdict = exact(made, StageKey("embedding", 0), compare_arrays(a, b, a.shape))
    said = dict(summary.facts(made, verdict))
    assert said["born here"] == "on the oracle's inputs it differs by 1.19e-07 at one element; every bit must agree"
    assert said["how sure"].startswith("a difference where none is allowed; ")
    a[0, 0] = 3
    verdict = exact(made, StageKey("embedding", 0), compare_arrays(a, b, a.shape))
    assert dict(summary.facts(made, verdict))["born here"] == (
        "on the oracle's inputs it differs by 2 at most, 2 elements do; every bit must agree"
    )
    (row,) = [row for row in summary.rows(made, verdict) if row.cells]
    assert (row.bound, row.excess) == (0.0, math.inf)
    assert [one.bound for one in summary.bounded(made.cells[0], verdict)][:3] == [0.0, 0.0, 0.0]


def test_ids_are_counted_and_have_neither_distance_nor_power(builders: ModuleType) -> None:
    made = builders.measurement(layers=2)
    ids = IdAccumulator(2, 8, 3)
    ids.add(np.array([0, 1, 2, 3, 0, 1, 2, 3.0]), np.array([0, 1, 2, 3, 1, 0, 3, 2.0]))
    verdict = exact(made, StageKey("moe_router_indices", 1), ids.finish())
    said = dict(summary.facts(made, verdict))
    assert said["born here"] == "on the oracle's inputs 4 of 8 ids are not the same; every one must agree"
    assert not {"power", "position 0"} & said.keys()
    # power that an older verdict claims for ids is not told, either
    claimed = replace(verdict, power={"moe_router_indices": Power(1e-7, 1e-7, 1e-7, 1e-7)})
    assert "power" not in dict(summary.facts(made, claimed))


def test_a_gain_over_nothing_is_infinite_and_over_what_is_no_number_is_none(builders: ModuleType) -> None:
    made = builders.measurement(layers=2, fault=None)
    key = StageKey("ffn_up", 0)

    def gain(isolated: float, accumulated: float) -> float | None:
        sizes = {"isolated": isolated, "accumulated": accumulated}
        one = replace(
            made,
            cells=[
                replace(cell, difference=replace(cell.difference, relative_rms=sizes[cell.view]))
                for cell in made.cells
                if cell.key == key and cell.view in sizes
            ],
        )
        (row,) = [row for row in summary.rows(one, builders.verdict(made, None)) if row.cells]
        return row.gain

    assert gain(1e-7, 3e-7) == pytest.approx(3)
    assert gain(0.0, 0.0) == 1
    assert gain(0.0, 1e-9) == math.inf
    assert [gain(math.inf, math.inf), gain(math.nan, 1.0), gain(0.0, math.nan)] == [None] * 3


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        ({"1": 1.0, "5": 0.8, "10": 0.7}, "70% of the ten likeliest are shared at least"),
        ({"1": 1.0, "5": 0.8, "7": 1.0}, "80% of the five likeliest are shared at least"),
        ({"1": 1.0, "3": 1.0}, "the same everywhere"),
    ],
)
def test_agreement_of_the_likeliest_tokens_is_told_as_far_as_it_is_known(
    builders: ModuleType, shared: dict[str, float], words: str
) -> None:
    made = builders.measurement(layers=2, fault=None)
    made.cells = [
        replace(cell, predictions=replace(cell.predictions, shared=shared)) if cell.predictions else cell
        for cell in made.cells
    ]
    assert dict(summary.facts(made, builders.verdict(made, None)))["predictions"].endswith(words)


def test_nan_is_beyond_every_bound_and_not_lost() -> None:
    assert summary.ratio(math.nan, 1.0) == math.inf
    assert summary.ratio(0.0, 0.0) == 0
    assert summary.ratio(1e-300, 0.0) == math.inf
    assert summary.times(math.inf) == "beyond any number of times the bound"


def on_terminal(columns: int, **env: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS"}}
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SHOW],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env=inherited | {"TERM": "xterm", "COLUMNS": str(columns)} | env,
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            shown += part
        os.close(leader)
    assert process.returncode == 0, shown.decode(errors="replace")
    return shown.decode()


def test_on_a_terminal_of_80_columns_there_is_a_panel_and_no_number_is_folded() -> None:
    shown = on_terminal(80)
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "")
    assert plain.startswith("╭─ ")
    assert max(map(len, plain.splitlines())) <= 80
    row = next(line for line in plain.splitlines() if line.split()[-1:] == ["FIRST"])
    assert re.fullmatch(r"attn_out +1 +\d\.\de-\d\d +\d\.\de-\d\d +\d\.\de-\d\d +\d\.\d +5 +FIRST *", row)
    # nothing that a file is called reaches the terminal as it is
    assert "\x1b[31m\u202e" not in shown
    assert r"\x1b[31m\u202e" in re.sub(r"[\n│ ]", "", plain)


def test_a_narrow_terminal_cuts_no_number() -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(50)).replace("\r", "")
    assert "…" not in plain
    assert re.search(r"attn_out +1 +\d\.\de-\d\d +\d\.\de-\d\d +\d\.\de-\d\d +\d\.\d +5 +FIRST", plain)


def test_no_color_gives_wrapped_plain_lines() -> None:
    shown = on_terminal(80, NO_COLOR="1").replace("\r", "")
    assert "\x1b" not in shown
    assert "╭" not in shown
    assert shown.startswith("DIVERGES: ")
    assert max(map(len, shown.splitlines())) <= 80
