"""Pairs of a parity run in which something is odd that the harness has to notice: two faults, a missing stage, a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from given.parity import up_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile
    from apr.parity.result import Gate
    from apr.parity.sides import Judge, Side
    from given.parity import Pair


@pytest.fixture(scope="session")
def both() -> Callable[..., Pair]:
    """The pair that a function makes, with two faults by name in its reference."""
    from apr.engines.reference import Reference
    from apr.mutants.model import MUTANTS

    def build(make: Callable[[str], Pair], first: str, second: str) -> Pair:
        pair = make(first)
        engine: Any = pair.subject.engine
        pair.subject.engine = Reference(engine.file, engine.model.arithmetic, MUTANTS[second].plant(engine.model))
        layers = [up_to(MUTANTS[name]) for name in (first, second)]
        return pair._replace(layers=None if None in layers else max(one for one in layers if one is not None))

    return build


@pytest.fixture(scope="session")
def without() -> Callable[..., Pair]:
    """A pair of which one side lacks a stage."""
    from apr.capture import Capture
    from apr.stages import StageKey

    def build(pair: Pair, side: str, stage: str, layer: int) -> Pair:
        party: Side = getattr(pair, side)
        whole = pair.captured.get(party.spec) or party.engine.capture(pair.tokens)
        kept = {key: array for key, array in whole.stages.items() if key != StageKey(stage, layer)}
        return pair._replace(captured={**pair.captured, party.spec: Capture(whole.provenance, kept)})

    return build


@pytest.fixture(scope="session")
def probe() -> Callable[[Side, Sequence[int], Capture], list[Gate]]:
    """The gates, with a second capture of the subject."""
    from apr.parity import gates

    def made(side: Side, tokens: Sequence[int], capture: Capture) -> list[Gate]:
        who = "oracle" if side.spec == "llama.cpp" else "subject"
        return gates.probe(side.engine, tokens, capture, side=who, twice=who == "subject")

    return made


@pytest.fixture
def unsteady_pair(deep_pair: Callable[..., Pair]) -> Callable[[], Pair]:
    """A pair whose subject captures another bit the second time."""
    from apr.mutants.captures import MUTANTS, Tampered

    def build() -> Pair:
        pair = deep_pair()
        pair.subject.engine = Tampered(pair.subject.engine, MUTANTS["second-run-differs"])
        return pair

    return build


@pytest.fixture
def strangers(
    deep_pair: Callable[..., Pair], reference_side: Callable[..., Side], small_file: Callable[[str], ModelFile]
) -> Callable[[], dict[str, Pair]]:
    """Pairs that must not be compared, by what is wrong with them."""
    import dataclasses

    from apr.capture import Capture

    def build() -> dict[str, Pair]:
        pair = deep_pair()
        theirs = pair.captured[pair.oracle.spec]

        def with_oracle(provenance: Any, rows: slice = slice(None)) -> Pair:
            stages = {key: array[rows] for key, array in theirs.stages.items()}
            return pair._replace(captured={pair.oracle.spec: Capture(provenance, stages)})

        here = theirs.provenance
        last = dataclasses.replace(here, tokens=here.tokens[-1:], positions=here.positions[-1:])
        late = dataclasses.replace(here, positions=tuple(position + 1 for position in here.positions))
        other = reference_side(small_file("llama-q4_k_m"), "ggml")
        return {
            "tokens": with_oracle(last, slice(-1, None)),
            "positions": with_oracle(late),
            "architecture": with_oracle(dataclasses.replace(here, architecture="qwen2")),
            "model": pair._replace(subject=other),
        }

    return build


@pytest.fixture
def written_over(
    tmp_path: Path, deep_pair: Callable[..., Pair], judge_of: Callable[[ModelFile], Judge]
) -> Callable[[str, int], Pair]:
    """A pair whose subject is a folder of stage files: those of a run that lacks a stage, and that stage of an earlier run."""
    import shutil

    from apr.capture import Capture
    from apr.engines.recorded import Recorded
    from apr.formats.aprt import write_capture
    from apr.parity.sides import Side
    from apr.stages import StageKey

    def build(stage: str, layer: int) -> Pair:
        pair, key = deep_pair(), StageKey(stage, layer)
        whole = pair.subject.engine.capture(pair.tokens)
        kept = {each: array for each, array in whole.stages.items() if each != key}
        earlier, now = tmp_path / "earlier", tmp_path / "now"
        written = write_capture(earlier, Capture(whole.provenance, {key: whole[key]}))
        write_capture(now, Capture(whole.provenance, kept))
        shutil.copy(written[0].path, now / written[0].path.relative_to(earlier))
        engine: Any = pair.subject.engine
        return pair._replace(subject=Side(f"dir:{now}", Recorded(now), judge_of(engine.file)))

    return build
