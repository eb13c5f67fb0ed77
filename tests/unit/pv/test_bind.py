"""How functions are bound to claims, and what is told of a module that cannot be imported."""

from __future__ import annotations

import functools
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from pv.bind import Binding, BrokenModule, Falsifier, Registry, falsifies
from pv.digest import sha256
from pv.formal import source
from pv.load import Document, load
from pv.parse import Claim, Contract, parse
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXECUTABLE = """\
metadata: {version: "1.0", description: d, references: [r]}
subject: kernels
equations:
  double: {formula: y = 2 x, formal: 2 * x, kernel: twice(x), domain: {n: 1..4, x: {dtype: f32, shape: [n], range: [-1, 1]}}}
proof_obligations:
  - {id: is-double, type: equivalence, property: twice as much, applies_to: double, tolerance: u * f}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, binds_to: double, obligation: is-double, mutants: [{id: m, stage: double}]}
  - {id: F-2, prediction: p, if_fails: q}
"""


def import_file(path: Path) -> types.ModuleType:
    """The module of a file, with its name in tracebacks."""
    module = types.ModuleType(path.stem)
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)  # noqa: S102  the test's own text
    return module


def registry_of(folder: Path, **modules: str) -> Registry:
    """A registry of these modules' texts."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    registry = Registry()
    registry.load([folder], import_file)
    return registry


def executable_contract() -> Contract:
    document = load(Source("double-v1.yaml", EXECUTABLE))
    assert isinstance(document, Document)
    return parse(document, "double-v1")


def test_a_falsifier_knows_its_module_its_file_and_what_the_file_held(tmp_path: Path) -> None:
    text = "from pv import falsifies\n\n\n@falsifies('x-v1', 'F-1', 'F-2')\ndef one(): return 7\n"
    registry = registry_of(tmp_path, x=text)
    assert list(registry.falsifiers) == [("x-v1", "F-1"), ("x-v1", "F-2")]
    ((one,), (two,)) = registry.falsifiers.values()
    assert (one.contract, one.claim_id, two.claim_id) == ("x-v1", "F-1", "F-2")
    assert one.function is one.module.one
    assert (one.function(), one.qualname, one.module.__name__) == (7, "one", "x")
    assert (one.path, one.source_sha256) == (tmp_path / "x.py", sha256(tmp_path / "x.py"))
    assert isinstance(one.line, int)
    assert not one.built_in


def test_one_function_may_stand_for_claims_of_two_contracts(tmp_path: Path) -> None:
    text = "from pv import falsifies\n@falsifies('x-v1', 'F-1')\n@falsifies('y-v1', 'F-9')\ndef one(): ...\n"
    registry = registry_of(tmp_path, x=text)
    assert sorted(registry.falsifiers) == [("x-v1", "F-1"), ("y-v1", "F-9")]
    declarations = registry.falsifiers["x-v1", "F-1"][0].function.__dict__["pv_falsifies"]
    assert [one.contract for one in declarations] == ["y-v1", "x-v1"]
    assert all(one.function is registry.falsifiers["x-v1", "F-1"][0].function for one in declarations)


def test_no_claim_at_all_is_refused_with_what_to_write() -> None:
    with pytest.raises(TypeError) as caught:
        falsifies("x-v1")
    assert str(caught.value) == "falsifies('x-v1') names no claim; write falsifies('x-v1', 'FALSIFY-…')"


HEAD = "from pv import falsifies\n"
COPIES = """
def above(function):
    def wrapped(): return "above"
    wrapped.__name__ = function.__name__
    vars(wrapped).update({what})
    return wrapped
@above
@falsifies("x-v1", "F-1")
def one(): return "below"
"""


@pytest.mark.parametrize("what", ["vars(function)", "{'__wrapped__': function}"])
def test_what_a_decorator_makes_of_the_function_is_what_runs(tmp_path: Path, what: str) -> None:
    ((one,),) = registry_of(tmp_path, x=HEAD + COPIES.replace("{what}", what)).falsifiers.values()
    assert one.function() == "above"


@pytest.mark.parametrize(
    "after",
    [
        COPIES.replace("{what}", "{}"),
        '@falsifies("x-v1", "F-1")\ndef one(): return "below"\ndef one(): return "another"\n',
        '@falsifies("x-v1", "F-1")\ndef one(): return "below"\none = 5\n',
        '@falsifies("x-v1", "F-1")\ndef one(): return "below"\ndel one\n',
        'def f(n): return n\nimport functools\ntwo = falsifies("x-v1", "F-1")(functools.partial(f, "below"))\n',
    ],
)
def test_something_else_under_the_same_name_is_not_what_runs(tmp_path: Path, after: str) -> None:
    ((one,),) = registry_of(tmp_path, x=HEAD + after).falsifiers.values()
    assert one.function() == "below"


def test_a_claim_is_bound_by_one_function(tmp_path: Path, contract_of: Callable[..., Contract]) -> None:
    claims = contract_of("falsification_tests: [{id: F-0}, {id: F-1}, {id: F-2}]", "x-v1").claims
    mark = "@falsifies('x-v1', {ids})\ndef {name}(): ...\n"
    text = HEAD + mark.format(ids="'F-1', 'F-2'", name="a") + mark.format(ids="'F-2', 'F-9'", name="b")
    other = mark.replace("x-v1", "y-v1").format(ids="'F-1', 'F-9'", name="c")
    registry = registry_of(tmp_path, x=text + other)
    assert [registry.binding(one) for one in claims] == [Binding.UNBOUND, Binding.BOUND, Binding.DUPLICATE]
    assert [one.qualname for one in registry.get(claims[2])] == ["a", "b"]
    assert registry.get(claims[0]) == []
    assert [(one.contract, one.claim_id) for one in registry.orphans("x-v1", claims)] == [("x-v1", "F-9")]
    assert [(one.contract, one.claim_id) for one in registry.strays(["x-v1"])] == [("y-v1", "F-1"), ("y-v1", "F-9")]
    assert registry.strays(["x-v1", "y-v1"]) == []


def runs_it(evidence: Any) -> None:
    """Stands for what executes obligations."""


def test_an_executable_claim_without_a_falsifier_is_run_as_it_stands() -> None:
    first, second = executable_contract().claims
    registry = Registry()
    assert registry.get(first) == []
    registry.executed = runs_it
    (one,) = registry.get(first)
    here = sys.modules[__name__]
    assert (one.contract, one.claim_id, one.function, one.module) == ("double-v1", "F-1", runs_it, here)
    assert (str(one.path), one.line, one.source_sha256) == (here.__file__, 1, source.digest())
    assert one.built_in
    assert registry.get(second) == []
    written = Falsifier("double-v1", "F-1", test_no_claim_at_all_is_refused_with_what_to_write, here, one.path, 1, "0")
    registry.falsifiers["double-v1", "F-1"] = [written]
    assert registry.get(first) == [written]


def test_files_that_begin_with_an_underscore_are_helpers(tmp_path: Path) -> None:
    text = HEAD + "@falsifies('x-v1', 'F-1')\ndef one(): ...\n"
    registry = registry_of(tmp_path, _x=text, y=text.replace("F-1", "F-2"))
    assert list(registry.falsifiers) == [("x-v1", "F-2")]
    assert registry.broken == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n\nx = = 1\n", 3, "SyntaxError: invalid syntax (broken.py, line 3)"),
        ("\n1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("\n\ndef f():\n    raise OSError('gone')\n\n\nf()\n", 4, "OSError: gone"),
        ("\nimport json\njson.loads('{')\n", 3, "JSONDecodeError: "),
        ("\n\ncompile('\\n\\n\\n\\nx = =', 'other.py', 'exec')\n", 3, "SyntaxError: invalid syntax (other.py, line 5)"),
        (
            "\nerror = SyntaxError('odd')\nerror.filename = (lambda: 0).__code__.co_filename\nraise error\n",
            1,
            "SyntaxError: odd",
        ),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_its_last_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    (tmp_path / "broken.py").write_text(HEAD.strip() + "; falsifies('x-v1', 'F-1')(lambda: 0)" + text)
    registry = Registry()
    registry.load([tmp_path], import_file)
    (broken,) = registry.broken
    assert (broken.path, broken.line) == (tmp_path / "broken.py", line)
    assert broken.message.startswith(message)
    assert registry.falsifiers == {}


def test_a_module_whose_import_fails_outside_of_it_is_told_with_line_one(tmp_path: Path) -> None:
    def refuse(path: Path) -> types.ModuleType:
        raise PermissionError(f"{path.name} is closed")

    (tmp_path / "x.py").write_text("")
    registry = Registry()
    registry.load([tmp_path], refuse)
    assert registry.broken == [BrokenModule(tmp_path / "x.py", 1, "PermissionError: x.py is closed")]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_who_wants_to_stop_is_not_held_up_by_a_module(tmp_path: Path, stop: type[BaseException]) -> None:
    def stopping(path: Path) -> types.ModuleType:
        falsifies("x-v1", path.stem)(functools.partial(print))
        raise stop

    (tmp_path / "x.py").write_text("")
    registry = Registry()
    with pytest.raises(stop):
        registry.load([tmp_path], stopping)
    assert registry.broken == []
    (tmp_path / "x.py").write_text(HEAD + "@falsifies('x-v1', 'F-1')\ndef one(): ...\n")
    registry.load([tmp_path], import_file)
    assert list(registry.falsifiers) == [("x-v1", "F-1")]


def test_a_command_stands_for_a_claim_that_has_nothing_else(
    contract_of: Callable[..., Contract], tmp_path: Path
) -> None:
    first, second = contract_of("falsification_tests: [{id: F-1}, {id: F-2}]", "x-v1").claims
    one = Falsifier("x-v1", "F-1", runs_it, sys.modules[__name__], tmp_path, 1, "0")

    def command(claim: Claim) -> Falsifier | None:
        return one if claim is first else None

    registry = Registry(command=command)
    assert (registry.get(first), registry.get(second)) == ([one], [])
    assert Registry().get(first) == []
