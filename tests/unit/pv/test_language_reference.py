"""The reference of the language: nothing is left out of it, and every example in it is true."""

from __future__ import annotations

import json
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pv.evidence import Evidence
from pv.formal.domain import DTYPES
from pv.formal.domain import KEYS as OF_AN_INPUT
from pv.formal.functions import FUNCTIONS
from pv.formal.language import CONSTANTS, ROUNDING, parse
from pv.formal.obligation import KEYS, KINDS, RESULTS, SHARED, UNDER
from pv.formal.property import equations_of, property_of
from pv.load import Document, load
from pv.properties import profiles
from pv.properties.evaluate import Scope
from pv.properties.falsifier import refute
from pv.properties.subjects import Subject, Subjects
from pv.report.language import language_page
from pv.report.language_examples import CONTRACT, EXPRESSIONS, OBLIGATIONS, VALUES
from pv.rules._schema import schema
from pv.signals import Refuted
from pv.source import Source
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = language_page("made")
EXAMPLES = 60
F32 = np.float32


def read(text: str) -> Any:
    document = load(Source("x.yaml", text))
    assert isinstance(document, Document), document
    return document.data


def test_nothing_is_left_out() -> None:
    assert PAGE.startswith("made\n\n# The language")
    for signature in FUNCTIONS.values():
        assert PAGE.count(f"| `{signature.usage}` | {signature.meaning} |") == 1
    for word in (*OF_AN_INPUT, *DTYPES, *ROUNDING, *CONSTANTS, *SHARED, *KEYS, *KINDS, *UNDER, *RESULTS):
        assert f"\n| `{word}` | " in PAGE, word
    assert len({one.kind for one in FUNCTIONS.values()}) == PAGE.count("\n| function | what it gives |")


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_has_the_value_that_stands_beside_it(text: str) -> None:
    given = {name: json.loads(value) for name, value in VALUES.items()}
    arrays = {name: np.array(value, F32) if isinstance(value, list) else value for name, value in given.items()}
    found = np.asarray(Scope(arrays).evaluate(parse(text)))
    wanted = np.asarray(json.loads(EXPRESSIONS[text]))
    assert found.shape == wanted.shape
    assert found.tolist() == wanted.tolist()
    assert (found.dtype == np.bool_) is (wanted.dtype == np.bool_)


SOUND: dict[str, Callable[..., Any]] = {
    "double": lambda x: x * F32(2),
    "relu": lambda x: np.maximum(x, F32(0)),
    "negate": lambda x: -x,
    "larger": np.maximum,
}
# a fault that some obligation of the kernel notices
FAULTS: dict[str, Callable[..., Any]] = {
    "double": lambda x: (x + x) * F32(1.5) + F32(x.size > 2),
    "relu": lambda x: np.arange(x.size, dtype=F32) - x,
    "negate": lambda x: x + np.float16(1),
    "larger": lambda a, b: a - b,
}
DATA = read(CONTRACT + OBLIGATIONS)


def hold(entry: dict[str, Any], kernels: dict[str, Callable[..., Any]], folder: Path) -> Evidence:
    prop = property_of(equations_of(DATA), entry["applies_to"], entry, "kernels")
    module = types.ModuleType("kernels_module")
    vars(module).update(kernels, PRODUCER="ours", BUILD="1")
    subjects = Subjects({}, folder)
    subjects._opened["kernels"] = Subject("kernels", module)
    claim: Any = types.SimpleNamespace(level=Level.ALGORITHM)
    evidence = Evidence(folder)
    refute(claim, prop, None, evidence, subjects)
    return evidence


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "EXAMPLES", EXAMPLES)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("entry", DATA["proof_obligations"], ids=lambda entry: entry["id"])
def test_an_obligation_is_true_of_a_sound_kernel(entry: dict[str, Any], tmp_path: Path) -> None:
    assert hold(entry, SOUND, tmp_path).total >= EXAMPLES


# what the fault above does not break: it writes nothing, and gives the same bits each time
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "entry",
    [one for one in DATA["proof_obligations"] if one["id"] not in {"finite", "as-long", "same", "untouched"}],
    ids=lambda entry: entry["id"],
)
def test_an_obligation_is_false_of_a_faulty_kernel(entry: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Refuted):
        hold(entry, {**SOUND, entry["applies_to"]: FAULTS[entry["applies_to"]]}, tmp_path)


def test_there_is_an_example_of_each_type() -> None:
    assert {entry["type"] for entry in DATA["proof_obligations"]} == set(KINDS)


def test_the_schema_knows_the_same_keys_and_words() -> None:
    """Editors complete by the schema what the harness executes by its tables."""
    definitions = schema()["definitions"]
    obligation = definitions["obligation"]["properties"]
    assert {*SHARED, *KEYS} <= set(obligation)
    assert set(KINDS) <= set(obligation["type"]["enum"])
    assert obligation["under"]["enum"] == list(UNDER)
    assert obligation["result"]["enum"] == list(RESULTS)
    drawn = definitions["drawn"]["properties"]
    assert set(drawn) == set(OF_AN_INPUT)
    assert drawn["dtype"]["enum"] == list(DTYPES)
