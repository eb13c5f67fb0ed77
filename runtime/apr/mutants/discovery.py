"""Faults of finding models: a criterion lost or turned round, a choice that is replaced, an explanation that names another one.

`python -m apr.mutants.discovery NAME ARGUMENTS…` is `apr ARGUMENTS…` with one of them planted.
"""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr import cli, formats, yaml_text
from apr.cache import aliases, pulling
from apr.discovery import candidates, choice, order
from apr.discovery.candidates import Candidate, Health
from apr.errors import USAGE, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.discovery.choice import Choice

    Patch = tuple[object, str, Any]


@dataclass(frozen=True)
class DiscoveryMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found; finding models has no layers.
        patches: what is replaced: of which module, which name, by what.
    """

    name: str
    fault: str
    stage: str
    patches: tuple[Patch, ...]
    layer: int | None = None

    def plant(self, put: Callable[[Any, str, Any], None] = setattr) -> None:
        """Puts the fault into the running process; `put` may be one that can be undone."""
        for module, name, replacement in self.patches:
            put(module, name, replacement)


def _steps(*names: str) -> tuple[order.Criterion, ...]:
    known = {step.name: step for step in order.CRITERIA}
    return tuple(known[name] for name in names)


_ALL_STEPS = tuple(step.name for step in order.CRITERIA)


def _without(*names: str) -> Patch:
    return (order, "CRITERIA", _steps(*(name for name in _ALL_STEPS if name not in names)))


def _ranked(name: str, rank: Callable[[Candidate], Any]) -> Patch:
    """The criterion of this name compares something else."""
    return (
        order,
        "CRITERIA",
        tuple(step._replace(rank=rank) if step.name == name else step for step in order.CRITERIA),
    )


class _Empty:
    """A model of which nothing is known but that it has a tokenizer."""

    metadata = frozenset({"tokenizer.ggml.tokens"})

    @staticmethod
    def optional(_key: str, _kind: type) -> None:
        """Has no value for any key."""


def _magic_is_enough(path: Path) -> _Empty:
    with path.open("rb") as file:
        if file.read(4) not in (b"GGUF", b"APR\0"):
            raise UnusableInput("is no model", where=str(path))
    return _Empty()


def _best_that_opens(found: list[Candidate]) -> Candidate | None:
    rest = sorted(found, key=lambda one: tuple(step.rank(one) for step in order.CRITERIA[1:]))
    opened = [candidates.examined(one) for one in rest]
    return next((one for one in opened if one.health is not Health.UNUSABLE), opened[0] if opened else None)


def _repository_first(model_path: str | None, model_repo: str | None, quant: str) -> Choice | None:
    return _named(None if model_repo else model_path, model_repo, quant)


def _absent_is_replaced(model_path: str | None, model_repo: str | None, quant: str) -> Choice | None:
    try:
        return _named(model_path, model_repo, quant)
    except UnusableInput:
        return None


def _last_that_differs(first: Candidate, second: Candidate) -> order.Criterion | None:
    return next((step for step in reversed(order.CRITERIA) if step.rank(first) != step.rank(second)), None)


def _nearest(name: str, table: Any) -> Any:
    return table[difflib.get_close_matches(name, table, 1, 0.0)[0]]


def _by_hash(text: str, where: str) -> Any:
    """Entries in the order of their hashes, which differ from process to process."""
    found = _parse(text, where)
    return {name: found[name] for name in sorted(found, key=hash)}


_named = choice._named  # noqa: SLF001 - what the mutants spoil
_parse = aliases._parse_aliases  # noqa: SLF001 - what the mutants spoil

_ALL = [
    DiscoveryMutant("ties-as-they-come", "equal candidates stay in the order in which the folder listed them", "order",
                    (_without("folder", "name"),)),
    DiscoveryMutant("names-without-case", "names that differ in case only are equal", "order",
                    (_ranked("name", lambda found: found.path.name.lower()),)),
    DiscoveryMutant("validity-ignored", "a file that does not open comes first if it is newer", "valid",
                    (_without("valid"), (order, "best", lambda found: next(iter(order.in_order(found)), None)),
                     (choice, "best", lambda found: next(iter(order.in_order(found)), None)))),
    DiscoveryMutant("magic-is-enough", "a file counts as valid for its first four bytes", "valid",
                    ((formats, "open_model", _magic_is_enough),)),
    DiscoveryMutant("tokenizer-not-looked-for", "a file without tokenizer counts as valid", "valid",
                    ((candidates, "_has_tokenizer", lambda _model: True),)),
    DiscoveryMutant("preferred-in-one-case", "a preferred name counts in lower case only", "preferred",
                    (_ranked("preferred name", lambda found: not any(
                        part in found.path.name for part in order.preferred_names())),)),
    DiscoveryMutant("newest-before-preferred", "the time is looked at before the name", "preferred",
                    ((order, "CRITERIA", _steps("valid", "newest", "preferred name", "format", "folder", "name")),)),
    DiscoveryMutant("oldest-first", "the oldest file comes first", "newest", (_ranked("newest", lambda found: found.mtime_ns),)),
    DiscoveryMutant("whole-seconds", "times are compared in whole seconds", "newest",
                    (_ranked("newest", lambda found: -(found.mtime_ns // 10**9)),)),
    DiscoveryMutant("gguf-first", ".gguf comes before .apr", "format",
                    (_ranked("format", lambda found: -("apr", "gguf", "safetensors").index(found.format)),)),
    DiscoveryMutant("format-before-newest", "an older .apr comes before a newer .gguf", "format",
                    ((order, "CRITERIA", _steps("valid", "preferred name", "format", "newest", "folder", "name")),)),
    DiscoveryMutant("repository-before-path", "a repository that is named wins over a path", "choice",
                    ((choice, "_named", _repository_first),)),
    DiscoveryMutant("absent-replaced", "instead of a model that was named and is not here, one that is found is taken", "choice",
                    ((choice, "_named", _absent_is_replaced),)),
    DiscoveryMutant("any-that-opens", "the choice stops at the first file that opens, with a tokenizer or without", "choice",
                    ((order, "best", _best_that_opens), (choice, "best", _best_that_opens))),
    DiscoveryMutant("why-the-last", "the last criterion that differs is named", "why",
                    ((order, "deciding", _last_that_differs),)),
    DiscoveryMutant("why-against-the-first", "every candidate is held against the first", "why",
                    ((order, "_neighbour", lambda number: 0 if number else 1),)),
    DiscoveryMutant("alias-by-hash", "the table's order differs from process to process", "aliases",
                    ((aliases, "_parse_aliases", _by_hash),)),
    DiscoveryMutant("alias-guessed", "an unknown alias stands for the nearest one", "aliases", ((aliases, "find_alias", _nearest), (pulling, "find_alias", _nearest))),
    DiscoveryMutant("last-key-wins", "of two entries of one name the last one counts", "aliases",
                    ((yaml_text, "_repeated", lambda _keys: None),)),
    DiscoveryMutant("own-table-loses", "an entry of one's own does not win over the package's", "aliases",
                    ((aliases, "_merged", lambda packaged, own: own | packaged),)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}


def main() -> int:
    """Plants the fault that the first argument names and runs `apr` with the rest."""
    if len(sys.argv) < 2 or sys.argv[1] not in MUTANTS:
        sys.stderr.write(f"usage: python -m apr.mutants.discovery NAME ARGUMENTS…; names: {', '.join(MUTANTS)}\n")
        return USAGE
    MUTANTS[sys.argv[1]].plant()
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
