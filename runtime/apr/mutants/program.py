"""Faults of the program: `python -m apr.mutants.program NAME ARGUMENTS…` is `apr ARGUMENTS…` with one fault planted.

Each replaces one function of the real program, so the falsifiers of the command line judge a real process that is wrong
in one way.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr import cli, stages
from apr.commands import trace
from apr.errors import USAGE
from apr.formats import aprt
from apr.models import KvCache, base, qwen3
from apr.mutants import loading, refusals
from apr.parity import comparable, metrics
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.capture import Array
    from apr.formats.model_file import ModelFile


@dataclass(frozen=True)
class ProgramMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found; `stage` names a part of the program where no stage is wrong.
        plant: puts it into the running process.
    """

    name: str
    fault: str
    stage: str
    layer: int | None
    plant: Callable[[], None]


def _stage_writer(change: Callable[[Path, int | None, Array], tuple[int | None, Array]]) -> Callable[[], None]:
    """Other values or another layer in the files that are written."""

    def plant() -> None:
        sound = aprt.write_stage

        def write_stage(path: Path, layer: int | None, array: Array) -> aprt.Written:
            return sound(path, *change(path, layer, array))

        aprt.write_stage = write_stage

    return plant


def _no_flag() -> None:
    """`apr trace` forgets its option."""
    sound = trace.add_arguments

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        sound(parser)
        for action in list(parser._actions):  # noqa: SLF001 - argparse has no way to take an option back
            if "--save-tensor" in action.option_strings:
                action.option_strings = [name for name in action.option_strings if name != "--save-tensor"]
                action.help = argparse.SUPPRESS

    trace.add_arguments = add_arguments


def _first_stage_only() -> None:
    sound = stages.parse_stages
    vars(trace)["parse_stages"] = lambda text: sound(text)[:1]


def _every_layer() -> None:
    vars(trace)["_layers"] = lambda _args: None


def _tokens_reversed() -> None:
    sound = Tokenizer.encode
    Tokenizer.encode = lambda self, text, **options: sound(self, text, **options)[::-1]  # type: ignore[method-assign] # the point of a mutant


def _blank_in_front() -> None:
    """Texts get a blank in front, as SentencePiece models want it and this one does not."""
    sound = Tokenizer.encode
    Tokenizer.encode = lambda self, text, **options: sound(self, f" {text}", **options)  # type: ignore[method-assign] # the point of a mutant


def _difference(**wrong: Any) -> Callable[[], None]:
    """Every comparison comes out with these fields."""

    def plant() -> None:
        sound = metrics.Accumulator.finish

        def finish(self: metrics.Accumulator) -> metrics.Difference:
            return dataclasses.replace(sound(self), **wrong)

        metrics.Accumulator.finish = finish  # type: ignore[method-assign] # the point of a mutant

    return plant


def _noise(_path: Path, layer: int | None, array: Array) -> tuple[int | None, Array]:
    """The first value is another in every process."""
    noisy = np.array(array, np.float32)
    noisy.reshape(-1).view(np.uint32)[0] = int.from_bytes(os.urandom(4), "little") & 0x3FFF_FFFF  # finite
    return layer, noisy


_written: list[Path] = []


def _later_ones_differ(path: Path, layer: int | None, array: Array) -> tuple[int | None, Array]:
    """The first file of a process is sound."""
    _written.append(path)
    changed = np.array(array, np.float32)
    if len(_written) > 1:
        changed.reshape(-1).view(np.uint32)[-1] ^= 1
    return layer, changed


def _one_nan(path: Path, layer: int | None, array: Array) -> tuple[int | None, Array]:
    broken = np.array(array, np.float32)
    if (path.name, layer) == ("ffn_out.bin", 7):
        broken[0, 0] = np.nan
    return layer, broken


def _plain_nan(_path: Path, layer: int | None, array: Array) -> tuple[int | None, Array]:
    """Every NaN becomes zero, as a well-meaning writer would have it."""
    return layer, np.nan_to_num(array)


def _apr_rotated_otherwise() -> None:
    """An .apr file is run with the rotation of another architecture."""
    sound = vars(trace)["open_model"]
    fault = loading.MUTANTS["apr-always-halves"]

    def open_model(path: Path) -> ModelFile:
        file = sound(path)
        return fault.change(file) if file.format == "apr" else file

    vars(trace)["open_model"] = open_model


def _positions_unchecked() -> None:
    comparable._MUST_AGREE = tuple(part for part in comparable._MUST_AGREE if part != "positions")  # type: ignore[assignment] # noqa: SLF001 - the point of a mutant


def _dense_path_says_missing() -> None:
    vars(base)["DenseOnExperts"] = refusals.as_missing


def _dense_path_looks_at_nothing() -> None:
    """The dense path starts on whatever tensors there are."""
    vars(qwen3)["check_tensors"] = lambda *_: None


def _positions_repeated() -> None:
    """The cache counts one position too few, so that each new token stands where the last one stood."""
    sound = KvCache.__len__
    KvCache.__len__ = lambda self: max(0, sound(self) - 1)  # type: ignore[method-assign] # the point of a mutant


_ALL = [
    ProgramMutant("flag-forgotten", "`apr trace` does not know --save-tensor", "help", None, _no_flag),
    ProgramMutant("noisy-writer", "stage files differ from run to run in one bit", "embedding", 0, _stage_writer(_noise)),
    ProgramMutant("header-layer", "the header names the layer after", "ffn_gate", 2,
                  _stage_writer(lambda _p, layer, array: (None if layer is None else layer + 1, array))),
    ProgramMutant("last-value-lost", "the last value of a stage is not written", "ffn_gate", 2,
                  _stage_writer(lambda _p, layer, array: (layer, array.reshape(-1)[:-1]))),
    ProgramMutant("first-stage-only", "of several stages only the first is saved", "ffn_gate", 0, _first_stage_only),
    ProgramMutant("saved-together", "a stage saved after another one differs in one bit", "ffn_gate", 0,
                  _stage_writer(_later_ones_differ)),
    ProgramMutant("nan-in-file", "one value of layer 7's ffn_out is written as NaN", "ffn_out", 7, _stage_writer(_one_nan)),
    ProgramMutant("nan-cleaned", "NaNs are written as zeros", "embedding", 0, _stage_writer(_plain_nan)),
    ProgramMutant("every-layer", "the layer asked for is ignored and every layer saved", "ffn_up", 0, _every_layer),
    ProgramMutant("everything-equal", "any two stages are reported as bit-identical", "diff", None,
                  _difference(bit_identical=True, n_different=0)),
    ProgramMutant("head-in-layer-0", "the logits are written as a stage of layer 0", "lm_head", None,
                  _stage_writer(lambda path, layer, array: (0 if path.name == "lm_head.bin" else layer, array))),
    ProgramMutant("apr-rotated-otherwise", "an .apr file is run with another rotation", "ffn_gate", 3, _apr_rotated_otherwise),
    ProgramMutant("positions-unchecked", "captures of other positions are compared", "positions", None, _positions_unchecked),
    ProgramMutant("dense-path-says-missing", "experts on a dense path are called a missing tensor", "refusal", None,
                  _dense_path_says_missing),
    ProgramMutant("dense-path-runs", "a dense path is started on the weights of experts", "refusal", None,
                  _dense_path_looks_at_nothing),
    ProgramMutant("generation-repeats-position", "a token's position is that of the one before", "generation", None,
                  _positions_repeated),
    ProgramMutant("blank-in-front", "a blank is put before the prompt", "tokens", None, _blank_in_front),
    ProgramMutant("tokens-reversed", "the prompt's tokens are run backwards", "tokens", None, _tokens_reversed),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}


def main() -> int:
    """Plants the fault that the first argument names and runs `apr` with the rest."""
    if len(sys.argv) < 2 or sys.argv[1] not in MUTANTS:
        sys.stderr.write(f"usage: python -m apr.mutants.program NAME ARGUMENTS…; names: {', '.join(MUTANTS)}\n")
        return USAGE
    MUTANTS[sys.argv[1]].plant()
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
