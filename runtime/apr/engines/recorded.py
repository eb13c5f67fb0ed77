"""Stage files that somebody wrote, as an engine: what a run left behind stands for the run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.capture import Array, Capture, Provenance
from apr.engines.base import check_tokens
from apr.errors import NotComparable, UnusableInput, UsageError
from apr.formats.aprt import SIDECAR_NAME, read_capture
from apr.models import load
from apr.ops.arithmetic import F32
from apr.stages import INTEGER, StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from apr.formats.aprt import StageDirectory
    from apr.formats.model_file import ModelFile
    from apr.models import Model
    from apr.models.config import Config

UNKNOWN = "unknown"  # what nobody says: an engine, its build, its arithmetic
_ANY = 2**31  # ids and positions are 32-bit whole numbers in every engine, so no model has more of either
_SHOWN = 20  # digits of a number that a message quotes


class Recorded:
    """A folder of stage files; `capture.json` says where they come from.

    A folder without one (other runtimes write such) can be used only where the command line says what it lacks: the tokens,
    and the model, whose widths also tell how many positions a file holds. Everything else about it stays `unknown`.

    A stage keeps the rows that its file has. Upstream's `lm_head.bin` has the last position alone, so it is [1, vocabulary],
    whatever the number of tokens: whoever compares sees that positions are missing.

    Attributes:
        folder: where the files are.
        tokens: token ids that were run.
        notes: what the command line had to say, and files that are no stage's.

    Args:
        folder: of stage files.
        file: the model that was run; may be left out where there is a `capture.json`, whose tokens are held against it otherwise.
        tokens: what was run, where there is no `capture.json`; one a position, from position 0.

    Raises:
        UnusableInput: no folder, no stage file, one that is broken, or a broken `capture.json`.
        NotComparable: nothing says which tokens and which model the files belong to; see also `checked`.
        UsageError: tokens of the command line that the model cannot run.
        UnsupportedModel: see `apr.models.load`; only where a model is given.
    """

    def __init__(self, folder: Path, file: ModelFile | None = None, tokens: Sequence[int] | None = None) -> None:
        self.folder = folder
        self._files = read_capture(folder)
        notes = (
            [f"no stage has such a name: {', '.join(self._files.ignored)} in {folder}"] if self._files.ignored else []
        )
        self._width: Callable[[str], int] | None = None
        model = None if file is None else load(file, F32)  # for its sizes; no weight of it is decoded
        if self._files.provenance is not None:
            self._provenance = checked(self._files.provenance, folder, None if model is None else model.config)
        else:
            self._provenance, self._width = _as_stated(folder, file, model, tokens)
            notes.append(
                f"tokens and model of {folder} are what the command line says, its engine is unknown: there is no {SIDECAR_NAME}"
            )
        self.tokens = self._provenance.tokens
        self.notes = tuple(notes)

    @property
    def name(self) -> str:
        """The engine that wrote the files."""
        return self._provenance.engine

    @property
    def build(self) -> str:
        """Of the engine that wrote the files."""
        return self._provenance.build

    @property
    def arithmetic(self) -> str:
        """Of the engine that wrote the files; `unknown` where nothing says so."""
        return self._provenance.arithmetic

    def provenance(self, tokens: Sequence[int]) -> Provenance:  # noqa: ARG002 - a recording is of the tokens it is of
        """Of the files, whatever tokens are asked for: who compares sees that they are others."""
        return self._provenance

    def logits(self, tokens: Sequence[int]) -> Array:
        """Nothing can be run again.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"{len(tokens)} tokens cannot be run: these are stage files, and the engine that wrote them is not here",
            where=str(self.folder),
        )

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """The stages that are there, in forward order."""
        stages = self.capture(tokens).stages
        return ((key, array) for key, array in stages.items() if wanted is None or key in wanted)

    def capture(self, tokens: Sequence[int]) -> Capture:  # noqa: ARG002 - a recording is of the tokens it is of
        """What is there, memory-mapped, with its own tokens and positions; a stage may lack rows or be missing.

        Raises:
            UnusableInput: an integer stage holds fractions.
        """
        return Capture(self._provenance, shaped(self._files, self._width))


def checked(provenance: Provenance, folder: Path, config: Config | None) -> Provenance:
    """A provenance that does not contradict itself or its model, of rows that belong to positions 0, 1, 2 and so on.

    Whoever computes stages from a capture takes row p for position p of a run from an empty context; a capture of other rows
    is not wrong, but nothing can be concluded from it.

    Args:
        provenance: as somebody wrote it.
        folder: where its `capture.json` is.
        config: of the model; None where none is known.

    Raises:
        UnusableInput: tokens and positions are not as many, an id is outside the vocabulary, or a position beyond the context.
        NotComparable: the positions are not 0 to T - 1.
    """
    tokens, positions, sidecar = provenance.tokens, provenance.positions, folder / SIDECAR_NAME
    if len(tokens) != len(positions) or not tokens:
        raise UnusableInput(
            f"has {len(tokens)} tokens and {len(positions)} positions",
            where=f"{sidecar}: provenance",
            hint="there is one token a position, and at least one",
        )
    limits = (
        ("tokens", tokens, "token id", "outside the vocabulary", _ANY if config is None else config.vocabulary),
        ("positions", positions, "position", "beyond the model's context", _ANY if config is None else config.context),
    )
    for name, values, what, problem, limit in limits:
        for place, value in enumerate(values):
            if not 0 <= value < limit:
                raise UnusableInput(
                    f"{what} {_short(value)} is {problem} of {limit}"
                    if config is not None
                    else f"{what} {_short(value)} is more than any model has",
                    where=f"{sidecar}: provenance.{name}[{place}]",
                    hint="give the model that was run, or write the recording again",
                )
    for place, position in enumerate(positions):
        if position != place:
            raise NotComparable(
                f"not comparable: row {place} belongs to position {position}, and not to position {place} as in a run from an "
                "empty context",
                where=f"{sidecar}: provenance.positions[{place}]",
                hint=f"record all positions, 0 to {len(positions) - 1}, in order",
            )
    return provenance


def _short(number: int) -> str:
    text = str(number)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def shaped(files: StageDirectory, width: Callable[[str], int] | None) -> dict[StageKey, Array]:
    """Every stage of a folder as float32 [rows, columns], mapped read-only.

    Args:
        files: of the folder.
        width: columns of a stage by name, where no sidecar gives shapes. A file that is no whole number of rows comes as one row,
            so that its shape is wrong for everybody to see.

    Raises:
        UnusableInput: an integer stage holds fractions.
    """
    stages: dict[StageKey, Array] = {}
    for key in files.files:
        array: np.ndarray[Any, np.dtype[np.float32]] = files.array(key)
        if key in files.shapes:
            shape = files.shapes[key]
            rows = shape[0] if len(shape) > 1 else 1
            stages[key] = array.reshape(rows, math.prod(shape) // rows if rows else 0)
        else:
            columns = width(key.stage) if width is not None else 0
            stages[key] = array.reshape(-1, columns if columns and array.size % columns == 0 else max(1, array.size))
        if key.stage in INTEGER and not (np.isfinite(array) & (np.rint(array) == array)).all():
            raise UnusableInput(
                f"stage {key} holds numbers that are not whole, but it is one of ids",
                where=str(files.files[key].path),
                hint="whole numbers are written as float32",
            )
    return stages


def _as_stated(
    folder: Path, file: ModelFile | None, model: Model | None, tokens: Sequence[int] | None
) -> tuple[Provenance, Callable[[str], int]]:
    """What the command line says of a folder that says nothing itself."""
    lacking = [what for what, given in (("--tokens", tokens), ("a MODEL", file)) if not given]
    if file is None or model is None or not tokens:
        raise NotComparable(
            f"not comparable: there is no {SIDECAR_NAME}, so nothing says which tokens and which model these stage files belong to",
            where=str(folder),
            hint=f"give {' and '.join(lacking)}, or have the engine write {SIDECAR_NAME}",
        )
    check_tokens(tokens, model.config.vocabulary, model.config.context)
    stated = Provenance(
        engine=UNKNOWN,
        build=UNKNOWN,
        arithmetic=UNKNOWN,
        architecture=file.architecture,
        model_sha256=file.sha256,
        tokens=tuple(tokens),
        positions=tuple(range(len(tokens))),
        weights_sha256=file.weights_sha256,
    )
    return stated, model.width
