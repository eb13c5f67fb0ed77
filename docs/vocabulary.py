"""docs/reference/pytest.md and words.md: the options of the plugin, and the closed vocabularies of both programs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pv
from apr.engines.opening import SPELLINGS
from apr.ops.arithmetic import ARITHMETICS
from apr.stages import ALIASES, CANONICAL, FIRST_LAYER_ONLY, INTEGER, WHOLE_MODEL
from docs.parsers import rows
from pv.fold import Outcome
from pv.judge import Word
from pv.pytest_plugin import pytest_addoption
from pv.report.language import table
from pv.words import CONDITIONS, STATUS_WORDS, Effective, Level, rung

_PYTEST = """\
# The pytest plugin

`pytest -m falsify` turns every claim of `[tool.pv] contracts` into test cases, one for each combination of its `params`, and one more for each
mutant it names. Without `[tool.pv]` in `pyproject.toml` the plugin does nothing. pytest's own options work: `-k`, `-x`, `--lf`, `-n 2`
(pytest-xdist), `contracts/x-v1.yaml::FALSIFY-X-001[16]`, and pytest's exit codes hold: 0 nothing failed, 1 something did, 2 interrupted,
4 usage, 5 nothing was collected."""

_WORDS = """\
# Words

What is closed, and may be relied on: each list is complete, and is written out of the code. How long words and schemas stay what they are:
[versions](versioning.md)."""

_OUTCOMES = {
    Outcome.DISCHARGED: "tried and not refuted, and every mutant was refuted where it was planted",
    Outcome.REFUTED: "a falsifier said so, with place or counterexample; a claim may say that it expects this (`expect: refuted`)",
    Outcome.INCONCLUSIVE: "could not be judged, and the reason is said; it never counts as discharged",
    Outcome.ERROR: "the falsifier or the harness broke; it never counts as discharged either",
}
_VERDICTS = {
    Word.DISCHARGED: "the run on the sound subject did not refute it",
    Word.REFUTED: "it did",
    Word.INCONCLUSIVE: "it could not be judged",
    Word.ERROR: "it broke",
    Word.KILLED: "the run on a mutant refuted it where it was planted",
    Word.SURVIVED: "the run on a mutant did not refute it",
    Word.MISLOCALISED: "the run on a mutant refuted it, at another stage or layer than where it was planted",
}
_LEVELS = {
    Level.ALGORITHM: "made-up input",
    Level.AUTHORED: "both sides written by hand",
    Level.MEASURED: "one side from a run: an engine and a model file are recorded",
    Level.INDEPENDENT: "two sides from different producers",
}
_STATUSES = {
    Effective.REFUTED: "a claim is refuted that was not expected to be",
    Effective.PROPOSED: "nothing is discharged",
    Effective.PARTIAL_ALGORITHM_LEVEL: "some claims are",
    Effective.ACTIVE_ALGORITHM_LEVEL: "all claims are, at the level of algorithms at least",
    Effective.ACTIVE_RUNTIME: "all claims are, each at the level that it asks for, one of them measured at least",
}
_ENGINES = {
    "numpy": "this project's reference, in one of its arithmetics",
    "llama.cpp": "llama.cpp, from an installed package or from a library of yours",
    "transformers": "Hugging Face transformers over the same weights",
    "dir": "stage files that somebody wrote",
    "cmd": "any program that writes stage files",
}
_ARITHMETICS = {
    "f64": "float64 throughout: the judge",
    "f32": "plain float32",
    "ggml": "float32, activations rounded before quantised products as llama.cpp rounds them",
    "exact": "as `ggml`, adding in the order of llama.cpp's AVX2 kernels: the same bits",
}
_SCHEMA = re.compile(r'"((?:pv|apr|ccpa)-[a-z-]+-v\d+)"')


class _Options:
    """Stands in for pytest's parser, and keeps the options that the plugin adds."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser(add_help=False)

    def getgroup(self, *_names: str) -> _Options:
        """The group is not told apart."""
        return self

    def addoption(self, *names: str, **given: Any) -> None:
        """One option, as argparse takes it."""
        self.parser.add_argument(*names, **given)


def pytest_page(made: str) -> str:
    """The page of the plugin, under the line `made`."""
    options = _Options()
    pytest_addoption(options)  # type: ignore[arg-type]  # the two methods that are called are there
    return "\n\n".join((made, _PYTEST, "## Options", rows(options.parser))) + "\n"


def words_page(made: str) -> str:
    """The page of words, under the line `made`."""
    parts = [made, _WORDS]
    parts += ["## Verdicts", "Of one run, in a line of the ledger:", _table("verdict", _VERDICTS, Word)]
    parts += ["Of a claim, from all of its fresh runs:", _table("outcome", _OUTCOMES, Outcome)]
    parts += ["## Levels of evidence", "From least to most:", _table("level", _LEVELS, Level)]
    parts += [
        "## Statuses",
        "From least to most, as `pv status` computes them:",
        _table("effective", _STATUSES, Effective),
    ]
    older = [(f"`{word}`", f"`{rung(word)}`") for word in STATUS_WORDS if word not in set(Effective)]
    parts += ["A contract may declare them in other words:", table(("declared", "read as"), older)]
    waits = ", ".join(f"`{name}`" for name in CONDITIONS)
    parts += ["## Conditions", f"What a claim can wait for (`pending`): {waits}, or a probe of `[tool.pv.probes]`."]
    parts += [
        "## Engines",
        table(("written", "what it is"), [(f"`{SPELLINGS[key]}`", _ENGINES[key]) for key in SPELLINGS]),
    ]
    parts += ["## Arithmetics", _table("name", _ARITHMETICS, ARITHMETICS)]
    parts += ["## Stages", "In forward order:", table(("stage", "of", "remark"), [_stage(name) for name in CANONICAL])]
    parts += ["## Schemas of JSON", "What `--json` and files say under `schema`:", _schemas()]
    return "\n\n".join(parts) + "\n"


def _table(head: str, meanings: dict[Any, str], known: Any) -> str:
    """A table of a closed vocabulary; a word that is not described, or described and gone, is an error."""
    if list(map(str, known)) != list(map(str, meanings)):
        raise ValueError(f"{head}: the code has {', '.join(map(str, known))}; described are {', '.join(meanings)}")
    return table((head, "meaning"), [(f"`{word}`", about) for word, about in meanings.items()])


def _stage(name: str) -> tuple[str, str, str]:
    of = "the whole model" if name in WHOLE_MODEL else "layer 0" if name in FIRST_LAYER_ONLY else "every layer"
    remarks = ["ids, compared as whole numbers"] if name in INTEGER else []
    remarks += [f"also called `{alias}`" for alias, meant in ALIASES.items() if meant == name]
    return f"`{name}`", of, "; ".join(remarks)


def _schemas() -> str:
    """Every name of a schema that the sources of both packages write."""
    root = Path(pv.__file__).parent
    sources = [*root.rglob("*.py"), *(root.parent / "runtime" / "apr").rglob("*.py")]
    found = sorted({name for path in sources for name in _SCHEMA.findall(path.read_text("utf-8"))})
    return "\n".join(f"* `{name}`" for name in found)
