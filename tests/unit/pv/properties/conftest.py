"""One obligation held against functions, without a project around them."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import settings

from pv.evidence import Evidence
from pv.formal.property import equations_of, property_of
from pv.properties import profiles
from pv.properties.falsifier import refute
from pv.properties.subjects import Subject, Subjects
from pv.words import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Evidence]:
    """A function that runs an obligation of the equation `kernel` on 60 examples.

    Its arguments: type, further keys and domain as YAML, the kernel; by name the equation's `formal`, the claim's level, and further
    subjects, each a kernel.
    """
    monkeypatch.setattr(profiles, "EXAMPLES", 60)

    def run(
        kind: str,
        keys: str,
        domain: str,
        kernel: Callable[..., Any],
        *,
        formal: str = "x",
        level: Level = Level.ALGORITHM,
        **modules: Callable[..., Any],
    ) -> Evidence:
        data = yaml.safe_load(f"equations: {{kernel: {{formal: '{formal}', domain: {domain}}}}}")
        prop = property_of(equations_of(data), "kernel", {"type": kind, **yaml.safe_load(f"{{{keys}}}")})
        subjects = Subjects({}, tmp_path)
        for name, function in {"kernels": kernel, **modules}.items():
            module = types.ModuleType(f"{name}_module")
            vars(module).update(kernel=lambda *given, _f=function: _f(*given), PRODUCER=name, BUILD="1")
            subjects._opened[name] = Subject(name, module)
        evidence = Evidence(tmp_path)
        claim: Any = types.SimpleNamespace(level=level)
        refute(claim, prop, None, evidence, subjects)
        return evidence

    return run


@pytest.fixture(autouse=True)
def the_same_each_time() -> Iterator[None]:
    """Properties that are run here are the same each time; how many examples there are stays with the tests."""
    before = settings.get_current_profile_name()
    settings.register_profile("the-same-each-time", max_examples=100, derandomize=True, database=None, deadline=None)
    settings.load_profile("the-same-each-time")
    yield
    settings.load_profile(before)
