"""Records: what is written is read back to the last bit, valid under the published schema; what is no such file is refused by place."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from apr.errors import UnusableInput
from apr.parity import result
from apr.parity.codec import hints
from apr.parity.histogram import BINS
from apr.parity.metrics import Difference, Element
from apr.parity.null import base
from apr.parity.ranges import RANGES, Range
from apr.parity.records import APART, FILE_NAME, SCHEMA, read, read_all, records, write
from apr.parity.result import Cell, Histogram, Measurement, Rung, Verdict, Vote
from apr.parity.schema import published
from apr.parity.schema.derive import derive
from apr.stages import CANONICAL, StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

SCHEMA_OF_A_LINE = published()
KINDS = ("run", "gate", "missing", "stage", "vote", "ladder", "verdict")
KEYS = st.builds(StageKey, st.sampled_from(CANONICAL), st.none() | st.integers(0, 99))
# lone surrogates too: file names on Linux have them
TEXT = st.text(st.characters(), max_size=8)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    StageKey: KEYS,
    str: TEXT,
    float: st.floats(),  # every one there is: infinities, NaN, subnormal ones, -0
    int: st.integers(0, 10**9),
    bool: st.booleans(),
    type(None): st.none(),
}


def number(annotation: Any, allowed: Range) -> st.SearchStrategy[Any]:
    """Numbers of a range, -0 among them."""
    if annotation is int:
        return st.integers(int(allowed.low), 10**9)
    return st.floats(
        allowed.low or -0.0,
        allowed.high,
        exclude_min=allowed.inside,
        exclude_max=allowed.inside,
        allow_nan=False,
        allow_infinity=math.isinf(allowed.high),
    ) | (st.just(math.nan) if allowed.nan else st.nothing())


def anything(
    annotation: Any, allowed: Range | None = None, **instead: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Values of a type, for dataclasses with some fields drawn from elsewhere; new fields are drawn without being named here."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in {int, float} and allowed is not None:
        found = number(annotation, allowed)
    elif annotation in PLAIN:
        found = PLAIN[annotation]
    elif dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        typed = hints(annotation)
        ranges = RANGES.get(annotation.__name__, {})
        names = [field.name for field in dataclasses.fields(annotation)]
        fields = {name: anything(typed[name], ranges.get(name)) for name in names} | instead
        found = st.builds(annotation, **fields)
    elif origin is Literal:
        found = st.sampled_from(inner)
    elif origin is dict:
        found = st.dictionaries(anything(inner[0]), anything(inner[1], allowed), max_size=2)
    elif origin is tuple and inner[-1] is not Ellipsis:
        found = st.tuples(*(anything(kind, allowed) for kind in inner))
    elif origin in {tuple, list}:
        found = st.lists(anything(inner[0], allowed), max_size=2).map(origin)
    else:
        found = st.one_of(*(anything(kind, allowed) for kind in inner))
    return found


def consistent(difference: Difference) -> Difference:
    count = max(difference.count, difference.n_different)
    return dataclasses.replace(difference, count=count, bit_identical=difference.n_different == 0)


CELLS = anything(
    Cell,
    prompt=st.just(0),
    difference=anything(Difference).map(consistent),
    tests=st.lists(anything(base.Test), max_size=2, unique_by=lambda test: test.name).map(tuple),
    histogram=st.none() | st.builds(Histogram, st.tuples(*[st.integers(0, 9)] * BINS), st.integers(0, 9)),
)
MEASUREMENTS = anything(
    Measurement,
    prompts=st.just(((1, 2, 3),)),
    cells=st.lists(CELLS, max_size=2, unique_by=lambda cell: (cell.key, cell.view)),
    votes=st.dictionaries(st.tuples(st.just(0), KEYS), anything(Vote), max_size=2),
    ladders=st.dictionaries(st.tuples(TEXT, st.just(0), KEYS), anything(tuple[Rung, ...]), max_size=2),
)
VERDICTS = anything(Verdict)


def written(measurement: Measurement, verdict: Verdict) -> str:
    stream = io.StringIO()
    write(measurement, verdict, stream)
    return stream.getvalue()


def invalid(line: dict[str, Any]) -> list[str]:
    """What the published schema has against a record, looked at as what it says it is."""
    alone = {**SCHEMA_OF_A_LINE, "oneOf": [{"$ref": f"#/$defs/record_{line['record']}"}]}
    return [error.message for error in Draft202012Validator(alone).iter_errors(line)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(MEASUREMENTS, VERDICTS)
def test_what_is_written_is_read_back_to_the_last_bit(measurement: Measurement, verdict: Verdict) -> None:
    text = written(measurement, verdict)
    again = read_all(io.StringIO(text))
    # repr tells -0 from 0 and calls one NaN like another, which == does not
    assert repr(again.measurement) == repr(measurement)
    assert repr(again.verdict) == repr(verdict)
    assert written(*again) == text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(MEASUREMENTS, VERDICTS)
def test_every_record_is_valid_json_of_the_published_schema(measurement: Measurement, verdict: Verdict) -> None:
    for line in written(measurement, verdict).splitlines():
        assert invalid(json.loads(line, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))) == []


def test_the_published_schema_is_the_one_that_the_dataclasses_give() -> None:
    Draft202012Validator.check_schema(SCHEMA_OF_A_LINE)
    assert derive() == SCHEMA_OF_A_LINE, "write it again: python -m apr.parity.schema.derive"


def test_every_number_of_a_record_has_a_range() -> None:
    found = [one for one in vars(result).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]
    classes = {cls.__name__: cls for cls in found}
    classes |= {cls.__name__: cls for cls in (base.Test, Difference, Element)}
    assert set(RANGES) <= set(classes)
    for name, cls in classes.items():
        typed = hints(cls)
        # cells, gates and what else has records of its own is looked at there
        numbers = {field for field, kind in typed.items() if holds_numbers(kind) and field not in APART}
        assert set(RANGES.get(name, {})) == numbers, name


def holds_numbers(kind: Any) -> bool:
    return kind in {int, float} or any(map(holds_numbers, get_args(kind)))


def test_a_real_looking_run_has_every_kind_of_record_in_order(builders: ModuleType) -> None:
    made = builders.measurement()
    made.missing.append(("subject", StageKey("ffn_gate", 2), "was not written"))
    lines = list(records(made, builders.verdict(made)))
    kinds = [line["record"] for line in lines]
    assert sorted(set(kinds), key=kinds.index) == list(KINDS)
    assert [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind] == list(KINDS)
    validator = Draft202012Validator(SCHEMA_OF_A_LINE)
    for line in lines:
        assert validator.is_valid(line), (line["record"], invalid(line))
    assert lines[0]["schema"] == SCHEMA
    first = lines[-1]["first_divergence"]
    assert (first["stage"], first["layer"], first["position"], first["channel"]) == ("attn_out", 1, 5, 17)
    assert (first["kind"]["name"], first["culprit"]) == ("gain", "subject")
    assert lines[-1]["comparable"] is lines[-1]["complete"] is True


def test_an_agreeing_run_says_null_where_the_first_divergence_would_be(builders: ModuleType) -> None:
    made = builders.measurement(fault=None)
    last = json.loads(written(made, builders.verdict(made, None)).splitlines()[-1])
    assert last["record"] == "verdict"
    assert last["first_divergence"] is None
    assert last["outcome"] == "agrees"


def test_a_test_is_written_with_the_bound_that_the_verdict_holds_it_against(builders: ModuleType) -> None:
    from apr.parity.null import limit

    made = builders.measurement(layers=1, fault=None)
    verdict = builders.verdict(made, None)
    line = next(line for line in records(made, verdict) if line["record"] == "stage")
    each = verdict.alpha / verdict.tests
    assert [test["bound"] for test in line["tests"]] == [limit(test, each) for test in made.cells[0].tests]


def test_a_saved_folder_a_file_and_a_stream_read_alike(builders: ModuleType, tmp_path: Path) -> None:
    made = builders.measurement(layers=2)
    text = written(made, builders.verdict(made))
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert read(tmp_path) == read(tmp_path / FILE_NAME) == read(io.StringIO(text)) == made


def lines_of(builders: ModuleType) -> list[dict[str, Any]]:
    made = builders.measurement(layers=2)
    made.missing.append(("subject", StageKey("ffn_gate", 0), "was not written"))
    return [json.loads(line) for line in written(made, builders.verdict(made)).splitlines()]


def at(lines: list[dict[str, Any]], record: str) -> dict[str, Any]:
    return next(line for line in lines if line["record"] == record)


def one_test(lines: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = at(lines, "stage")["tests"][0]
    return found


def with_kind(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return next(line["kind"] for line in lines if line.get("kind"))


# what is done to the lines, and the place and the words of the one message that must come of it
DAMAGE: dict[str, tuple[Callable[[list[dict[str, Any]]], Any], str, str]] = {
    "cut off": (lambda lines: lines.pop(), r":\d+", "cut off"),
    "empty": (lambda lines: lines.clear(), ":0", "cut off"),
    "no run": (lambda lines: lines.pop(0), r":1: \$\.record", "first record"),
    "two runs": (lambda lines: lines.insert(1, dict(lines[0])), r":2: \$\.record", "second"),
    "other schema": (lambda lines: lines[0].update(schema="apr-parity-v9"), r":1: \$\.schema", "apr-parity-v9"),
    "after the verdict": (lambda lines: lines.append(lines[-2]), r":\d+: \$", "last record"),
    "unknown record": (lambda lines: lines[1].update(record="gait"), r":2: \$\.record", "gait"),
    "unknown field": (lambda lines: lines[1].update(colour="red"), r":2: \$\.colour", "not part"),
    "cells in run": (lambda lines: lines[0].update(cells=[]), r":1: \$\.cells", "not part"),
    "first under its old name": (lambda lines: lines[-1].update(first=None), r": \$\.first", "not part"),
    "field missing": (lambda lines: at(lines, "gate").pop("detail"), r":2: \$\.detail", "missing"),
    "stage missing": (lambda lines: at(lines, "stage").pop("stage"), r":\d+: \$\.stage", "missing"),
    "no stage": (lambda lines: at(lines, "stage").update(stage="atn_out"), r":\d+: \$\.stage", "no stage"),
    "stage a list": (lambda lines: at(lines, "vote").update(stage=["attn_out"]), r":\d+: \$\.stage", "no stage"),
    "negative layer": (lambda lines: at(lines, "stage").update(layer=-1), r":\d+: \$\.layer", "no layer"),
    "layer true": (lambda lines: at(lines, "ladder").update(layer=True), r":\d+: \$\.layer", "no layer"),
    "no such view": (lambda lines: at(lines, "stage").update(view="sideways"), r":\d+: \$\.view", "sideways"),
    "no such prompt": (lambda lines: at(lines, "vote").update(prompt=1), r":\d+: \$\.prompt", "none of the 1"),
    "deep in a list": (
        lambda lines: at(lines, "stage")["difference"]["top"][1].update(a="much"),
        r":\d+: \$\.difference\.top\[1\]\.a",
        "not a number",
    ),
    "a number as text": (lambda lines: at(lines, "stage")["difference"].update(nmse="1e-3"), r"\.nmse", "not a number"),
    "a float for a count": (
        lambda lines: at(lines, "stage")["difference"].update(count=3.5),
        r"\.count",
        "whole number",
    ),
    "true for a count": (lambda lines: at(lines, "stage")["difference"].update(count=True), r"\.count", "whole number"),
    "true for a number": (lambda lines: at(lines, "stage")["difference"].update(nmse=True), r"\.nmse", "not a number"),
    "bound as a word": (
        lambda lines: at(lines, "stage")["tests"][0].update(bound="x"),
        r"\.tests\[0\]\.bound",
        "number",
    ),
    "too few bins": (lambda lines: at(lines, "stage")["histogram"]["counts"].pop(), r"\.histogram\.counts", "bins"),
    "tests no list": (lambda lines: at(lines, "stage").update(tests={"a": 1}), r"\$\.tests", "not a list"),
    "the same stage twice": (lambda lines: lines.insert(-1, at(lines, "stage")), r":\d+: \$", "twice"),
    "rungs no list": (lambda lines: at(lines, "ladder").update(rungs=None), r"\$\.rungs", "not a list"),
    "count 0": (lambda lines: one_test(lines).update(count=0), r":\d+: \$\.tests\[0\]\.count", "0 is not 1 or more"),
    "count negative": (lambda lines: one_test(lines).update(count=-5), r"\.tests\[0\]\.count", "-5 is not 1 or more"),
    "trials 0": (lambda lines: one_test(lines).update(trials=0), r"\.tests\[0\]\.trials", "0 is not 1 or more"),
    "trials beyond": (lambda lines: one_test(lines).update(trials=10**400), r"\.tests\[0\]\.trials", "64 bits"),
    "trials 2**63": (lambda lines: one_test(lines).update(trials=2**63), r"\.tests\[0\]\.trials", "64 bits"),
    "value negative": (lambda lines: one_test(lines).update(value=-1e-9), r"\.tests\[0\]\.value", "0 or more"),
    "value -inf": (lambda lines: one_test(lines).update(value="-inf"), r"\.tests\[0\]\.value", "0 or more"),
    "unit negative": (lambda lines: one_test(lines).update(unit=-1.0), r"\.tests\[0\]\.unit", "0 or more"),
    "reach negative": (lambda lines: one_test(lines).update(reach=-1.0), r"\.tests\[0\]\.reach", "0 or more"),
    "bound negative": (lambda lines: one_test(lines).update(bound=-1.0), r"\.tests\[0\]\.bound", "0 or more"),
    "position negative": (lambda lines: one_test(lines).update(position=-3), r"\.tests\[0\]\.position", "0 or more"),
    "channel negative": (lambda lines: one_test(lines).update(channel=-1), r"\.tests\[0\]\.channel", "0 or more"),
    "the same test twice": (
        lambda lines: at(lines, "stage")["tests"].append(one_test(lines)),
        r":\d+: \$\.tests\[4\]\.name",
        "'element' is here twice",
    ),
    "a bin negative": (
        lambda lines: at(lines, "stage")["histogram"]["counts"].__setitem__(3, -1),
        r"\.histogram\.counts\[3\]",
        "0 or more",
    ),
    "zeros negative": (lambda lines: at(lines, "stage")["histogram"].update(zeros=-1), r"\.zeros", "0 or more"),
    "profile negative": (
        lambda lines: at(lines, "stage").update(positions=[0.0, "nan", "inf", -1]),
        r"\$\.positions\[3\]",
        "0 or more",
    ),
    "profile -inf": (lambda lines: at(lines, "stage").update(positions=["-inf"]), r"\.positions\[0\]", "-inf"),
    "first position": (lambda lines: at(lines, "stage").update(first_position=-1), r"\.first_position", "0 or more"),
    "a distance negative": (
        lambda lines: at(lines, "stage")["difference"].update(relative_rms=-0.5),
        r"\$\.difference\.relative_rms",
        "0 or more",
    ),
    "a cosine of 2": (lambda lines: at(lines, "stage")["difference"].update(cosine=2.0), r"\.cosine", "-1 to 1"),
    "more differ than there are": (
        lambda lines: at(lines, "stage")["difference"].update(count=1),
        r"\.difference\.n_different",
        "of 1 elements",
    ),
    "identical though some differ": (
        lambda lines: at(lines, "stage")["difference"].update(bit_identical=True),
        r"\.difference\.bit_identical",
        "belies",
    ),
    "a token negative": (lambda lines: lines[0]["prompts"][0].__setitem__(2, -7), r":1: \$\.prompts\[0\]\[2\]", "-7"),
    "alpha 0": (lambda lines: lines[0]["origin"].update(alpha=0.0), r":1: \$\.origin\.alpha", "between"),
    "alpha 1": (lambda lines: lines[0]["origin"].update(alpha=1.0), r":1: \$\.origin\.alpha", "between"),
    "alpha next to 0": (lambda lines: lines[0]["origin"].update(alpha=5e-324), r"\$\.origin\.alpha", "between"),
    "a vote negative": (
        lambda lines: at(lines, "vote")["distances"].update({"subject to oracle": -1.0}),
        r"\$\.distances\.subject to oracle",
        "0 or more",
    ),
    "explains too much": (lambda lines: with_kind(lines).update(explains=1.5), r"\$\.kind\.explains", "0 to 1"),
    "missing with more": (lambda lines: at(lines, "missing").update(more=1), r"\$\.more", "not part"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_one_message_with_file_line_and_path(builders: ModuleType, name: str, tmp_path: Path) -> None:
    damage, place, words = DAMAGE[name]
    lines = lines_of(builders)
    damage(lines)
    path = tmp_path / FILE_NAME
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(UnusableInput, match=words) as refusal:
        read(path)
    assert refusal.value.where is not None
    assert refusal.value.where.startswith(str(path))
    assert re.search(place, refusal.value.where), refusal.value.where
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\n", "UTF-8"),
        (b"not json\n", "no JSON"),
        (b"[1]\n", "not an object"),
        (b'{"record":"run","schema":NaN}\n', "NaN is no JSON"),
        (b'{"record":"run","record":"run"}\n', "twice"),
        (b'{"record":' + b"[" * 100_000 + b"\n", "no JSON"),
        (b'{"record":' + b"9" * 5000 + b"}\n", "no JSON"),
        (b'{"record":"run","schema":"apr-parity-v1","origin":{"alpha":1e999}}\n', "beyond the range"),
        (b'{"record":"run","schema":"apr-parity-v1","origin":{"alpha":' + b"9" * 400 + b"}}\n", "beyond the range"),
        (b'{"record":"run","schema":"apr-parity-v1","prompts":[[1.5]]}\n', "whole number"),
        (b'{"record":"run","schema":"apr-parity-v1","subject":null}\n', "not an object"),
    ],
)
def test_hostile_bytes_are_one_message(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnusableInput, match=words) as refusal:
        read(path)
    assert str(path) in str(refusal.value)


def test_what_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="No such file"):
        read(tmp_path / "nothing.jsonl")
    with pytest.raises(UnusableInput, match="cannot be read"):
        read(tmp_path)  # a folder without measurements
    with pytest.raises(UnusableInput, match="cannot be read"):
        read("a\0b")


def test_numbers_that_json_lacks_are_words(builders: ModuleType) -> None:
    made = builders.measurement(layers=1, fault=None)
    broken = dataclasses.replace(made.cells[0].difference, nmse=math.nan, max_abs_diff=math.inf, cosine=-math.inf)
    made.cells[0] = dataclasses.replace(made.cells[0], difference=broken)
    line = next(line for line in records(made, builders.verdict(made, None)) if line["record"] == "stage")
    assert [line["difference"][name] for name in ("nmse", "max_abs_diff", "cosine")] == ["nan", "inf", "-inf"]
    assert invalid(line) == []
