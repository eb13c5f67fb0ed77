"""Two stage files, or two folders of them, held against each other: what may be compared, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

from apr.errors import NotComparable, UsageError
from apr.formats.aprt import SIDECAR_NAME, open_stage, read_capture, read_sidecar
from apr.parity.comparable import check_provenance
from apr.parity.metrics import BLOCK, Difference, accumulator_of
from apr.stages import INTEGER

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from apr.capture import Provenance
    from apr.formats.aprt import Sidecar, StageEntry, StageFile
    from apr.stages import StageKey

# how many wide rows are read at a time, and no more elements than this for their sake: 8 MiB a side
_ROWS_OF_WIDE, _MOST = 16, 1 << 21


class Context(NamedTuple):
    """What is known of one stage file beside its values; None where no sidecar lists it."""

    provenance: Provenance | None
    entry: StageEntry | None


@dataclass(frozen=True)
class StageDiff:
    """One stage compared.

    Attributes:
        path_a: of the subject's file.
        path_b: of the reference's file.
        layer: None for a stage of the whole model.
        key: stage and layer; None where neither side has a sidecar that says the stage.
        difference: the measures.
        notes: what was not known or was allowed on purpose.
    """

    path_a: Path
    path_b: Path
    layer: int | None
    key: StageKey | None
    difference: Difference
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaptureDiff:
    """Two folders compared.

    Attributes:
        path_a: the subject's folder.
        path_b: the reference's folder.
        stages: every stage that both have, in forward order.
        only_a: stages that only the subject has, in forward order.
        only_b: stages that only the reference has, in forward order.
        incomparable: stages that both have but that must not be compared, with the reason.
        notes: what was not known or was allowed on purpose.
    """

    path_a: Path
    path_b: Path
    stages: tuple[StageDiff, ...]
    only_a: tuple[StageKey, ...] = ()
    only_b: tuple[StageKey, ...] = ()
    incomparable: tuple[tuple[StageKey, str], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def identical(self) -> bool:
        """Both sides have the same stages and every stage the same bits."""
        complete = not (self.only_a or self.only_b or self.incomparable)
        return complete and all(stage.difference.bit_identical for stage in self.stages)

    @property
    def first_difference(self) -> StageDiff | None:
        """The first stage, in forward order, that differs."""
        return next((stage for stage in self.stages if not stage.difference.bit_identical), None)


def compare_stage_files(
    a: StageFile, b: StageFile, *, rows: int | None = None, limit: int = 10, stage: str | None = None
) -> Difference:
    """Compares the values of two stage files block by block; memory does not grow with the files.

    Args:
        a: the subject.
        b: the reference, with the same count.
        rows: number of positions, for the worst one and the worst channel; None leaves them out.
        limit: how many differing elements to name.
        stage: canonical name, which says whether the values are ids; None where it is not known.

    Raises:
        ValueError: the counts differ.
        UnusableInput: a file became shorter meanwhile.
    """
    accumulator = accumulator_of(stage, rows, a.count, limit)
    width = a.count // rows if rows else 0
    # whole rows, and of wide ones some together: sums by column are added up tile by tile
    block = max(BLOCK // width, min(_ROWS_OF_WIDE, _MOST // width), 1) * width if width else BLOCK
    for block_a, block_b in zip(a.blocks(block), b.blocks(block), strict=True):
        accumulator.add(block_a, block_b)
    return accumulator.finish()


def diff_files(path_a: Path, path_b: Path, *, limit: int = 10, allow: Collection[str] = ()) -> StageDiff:
    """Compares two stage files.

    Raises:
        UnusableInput: a file is no sound stage file, or a sidecar beside it is broken.
        NotComparable: layer or size differ, or, where sidecars list the files, stage, shape, tokens, positions, arithmetic
            or model.
    """
    a, b = open_stage(path_a), open_stage(path_b)
    if a.layer != b.layer:
        raise NotComparable(f"not comparable: {_layer(a.layer)} against {_layer(b.layer)}", where=f"{path_a}, {path_b}")
    if a.count != b.count:
        raise NotComparable(f"not comparable: {a.count} values against {b.count}", where=f"{path_a}, {path_b}")
    context_a, context_b = _context(path_a), _context(path_b)
    notes = _compare_contexts(path_a, path_b, context_a, context_b, allow)
    entry = context_a.entry or context_b.entry
    rows = entry.shape[0] if entry and len(entry.shape) > 1 else None
    # ids are ids also where only the files' names say so
    stage = entry.stage if entry else next((name for name in INTEGER if path_a.stem == path_b.stem == name), None)
    difference = compare_stage_files(a, b, rows=rows, limit=limit, stage=stage)
    return StageDiff(path_a, path_b, a.layer, entry.key if entry else None, difference, notes)


def _layer(layer: int | None) -> str:
    return "the whole model" if layer is None else f"layer {layer}"


def _compare_contexts(path_a: Path, path_b: Path, a: Context, b: Context, allow: Collection[str]) -> tuple[str, ...]:
    if a.entry is None or b.entry is None or a.provenance is None or b.provenance is None:
        unknown = [str(path) for path, context in ((path_a, a), (path_b, b)) if context.entry is None]
        notes = [
            f"stage, tokens, positions, arithmetic and model are not known of {' and '.join(unknown)}: no {SIDECAR_NAME} lists it"
        ]
        if path_a.stem != path_b.stem:
            notes.append(f"the file names differ: {path_a.name}, {path_b.name}")
        return tuple(notes)
    if a.entry.stage != b.entry.stage:
        raise NotComparable(
            f"not comparable: stage {a.entry.stage} against {b.entry.stage}", where=f"{path_a}, {path_b}"
        )
    if a.entry.shape != b.entry.shape:
        raise NotComparable(
            f"not comparable: shape {list(a.entry.shape)} against {list(b.entry.shape)}", where=f"{path_a}, {path_b}"
        )
    return check_provenance(a.provenance, b.provenance, allow=allow)


def _context(path: Path) -> Context:
    """What the sidecar beside a stage file, or one folder up, says of it."""
    path = path.absolute()
    for folder in (path.parent, path.parent.parent):
        sidecar: Sidecar | None = read_sidecar(folder)
        listed = path.relative_to(folder).as_posix()
        for entry in sidecar.files if sidecar else ():
            if entry.path == listed:
                return Context(sidecar.provenance if sidecar else None, entry)
    return Context(None, None)


def diff_directories(path_a: Path, path_b: Path, *, limit: int = 10, allow: Collection[str] = ()) -> CaptureDiff:
    """Compares two folders of stage files, stage by stage in forward order.

    Raises:
        UnusableInput: a folder holds no stage files, or a broken one, or a broken sidecar.
        NotComparable: tokens, positions, arithmetic or model differ, or there is no stage that both have.
    """
    a, b = read_capture(path_a), read_capture(path_b)
    notes: list[str] = []
    if a.provenance is not None and b.provenance is not None:
        notes += check_provenance(a.provenance, b.provenance, allow=allow)
    for side in (a, b):
        if side.provenance is None:
            notes.append(
                f"tokens, positions, arithmetic and model are not known of {side.path}: there is no {SIDECAR_NAME}"
            )
        if side.ignored:
            notes.append(f"not compared, no stage has such a name: {', '.join(side.ignored)} in {side.path}")
    stages, incomparable = [], []
    common = [key for key in a.files if key in b.files]
    for key in common:
        shape_a, shape_b = a.shapes.get(key), b.shapes.get(key)
        if a.files[key].count != b.files[key].count:
            incomparable.append((key, f"{a.files[key].count} values against {b.files[key].count}"))
        elif shape_a and shape_b and shape_a != shape_b:
            incomparable.append((key, f"shape {list(shape_a)} against {list(shape_b)}"))
        else:
            shape = shape_a or shape_b
            rows = shape[0] if shape and len(shape) > 1 else None
            difference = compare_stage_files(a.files[key], b.files[key], rows=rows, limit=limit, stage=key.stage)
            stages.append(StageDiff(a.files[key].path, b.files[key].path, key.layer, key, difference))
    if not common:
        raise NotComparable("not comparable: there is no stage that both folders have", where=f"{path_a}, {path_b}")
    return CaptureDiff(
        path_a,
        path_b,
        tuple(stages),
        only_a=tuple(key for key in a.files if key not in b.files),
        only_b=tuple(key for key in b.files if key not in a.files),
        incomparable=tuple(incomparable),
        notes=tuple(notes),
    )


def diff_paths(path_a: Path, path_b: Path, *, limit: int = 10, allow: Collection[str] = ()) -> StageDiff | CaptureDiff:
    """Compares two stage files or two folders of them, whichever the paths are.

    Raises:
        UsageError: one is a folder, the other is not.
        UnusableInput, NotComparable: see `diff_files` and `diff_directories`.
    """
    if path_a.is_dir() and path_b.is_dir():
        return diff_directories(path_a, path_b, limit=limit, allow=allow)
    for folder, other in ((path_a, path_b), (path_b, path_a)):
        if folder.is_dir() and other.exists():
            raise UsageError(
                f"{folder} is a folder, {other} is a file", hint="give two stage files or two folders of them"
            )
    return diff_files(path_a, path_b, limit=limit, allow=allow)


def measures(difference: Difference) -> dict[str, object]:
    """The measures of a comparison by name, without the lists of elements."""
    return {
        item.name: getattr(difference, item.name) for item in fields(difference) if item.name not in {"first", "top"}
    }
