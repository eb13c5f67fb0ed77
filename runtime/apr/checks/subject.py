"""What the checks look at: the heads of the files, the model that they make, and its values."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from apr.checks import places
from apr.checks.files import survey
from apr.checks.scan import Values, scan_tensors
from apr.checks.verdict import Blocked, Finding, finding_of
from apr.errors import AprError, UnusableInput
from apr.formats import open_model
from apr.models import architecture_of
from apr.quant.dequantise import Dequantiser, by_gguf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.formats.model_file import ModelFile
    from apr.models import Config

# which check answers for what is wrong with the index although it can be read, in their order
_PLACES = {5: places.beyond_the_end, 6: places.overlaps, 7: places.misaligned, 11: places.wrong_sizes}


class Subject:
    """A model under examination. Whatever is asked for and cannot be had raises `Blocked`.

    Args:
        path: of the model.
        dequantiser: makes, for an opened model, what decodes its rows.

    Attributes:
        path: as given.
        parts: its files, in order.

    Raises:
        UnusableInput: it is no model at all, or cannot be read.
        UnsupportedModel: it is called .apr and is another format.
    """

    def __init__(self, path: Path, dequantiser: Callable[[ModelFile], Dequantiser] = lambda _: by_gguf) -> None:
        self.path, self._dequantiser = path, dequantiser
        self.parts = survey(path)

    @property
    def format(self) -> str:
        """`apr`, `gguf` or `safetensors`."""
        return self.parts[0].format if self.parts else "apr"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(part.size for part in self.parts)

    @cached_property
    def _opened(self) -> ModelFile | Blocked:
        for part in self.parts:
            for number, finding in part.faults.items():
                return Blocked(number, [finding])
        for number, judge in _PLACES.items():
            found = [each for part in self.parts for each in judge(part) if not each.warning]
            if found:
                return Blocked(number, found)
        try:
            return open_model(self.path)
        except UnusableInput as error:
            finding = finding_of(error, [self.path, *(part.path for part in self.parts)])
            return Blocked(_responsible(finding), [finding])

    @property
    def file(self) -> ModelFile:
        """The opened model.

        Raises:
            Blocked: the reader refuses it; the check that answers for the reason says why.
        """
        if isinstance(self._opened, Blocked):
            raise self._opened
        return self._opened

    @cached_property
    def _config(self) -> Config | Blocked:
        try:
            return architecture_of(self.file).read(self.file)
        except AprError as error:
            return Blocked(8, [finding_of(error, [self.path, self.file.path], lenient=True)])

    @property
    def config(self) -> Config:
        """The hyper-parameters.

        Raises:
            Blocked: the metadata do not say, or say something that is not built here.
        """
        if isinstance(self._config, Blocked):
            raise self._config
        return self._config

    @cached_property
    def expected(self) -> dict[str, tuple[int, ...]]:
        """The shape of every tensor that the architecture reads, by GGUF name.

        Raises:
            Blocked: see `config`.
        """
        config = self.config  # first: where the architecture is not known, this says so
        return architecture_of(self.file).shapes(config, self.file.tensors)

    @cached_property
    def scan(self) -> dict[str, Values]:
        """All tensors looked through, once for all checks.

        Raises:
            Blocked: the model cannot be opened.
        """
        return scan_tensors(self.file, self._dequantiser(self.file))

    def finding(self, name: str, problem: str, *, warning: bool = False) -> Finding:
        """A finding about a tensor, which is named as the file names it.

        Args:
            name: GGUF's.
            problem: what was seen.
            warning: see `Finding`.
        """
        pieces = getattr(self.file.tensors.get(name), "pieces", ())
        if not pieces:
            return Finding(str(self.file.path), problem, None, name, None, warning)
        first = pieces[0]
        if isinstance(first.stored, str):  # .apr
            return Finding(str(self.file.path), problem, None, first.stored, None, warning)
        return Finding(str(first.file.path), problem, None, first.name, None, warning)


def _responsible(finding: Finding) -> int:
    """The number of the check that answers for a refusal of the reader."""
    if finding.tensor is not None:
        return 10 if "shape" in finding.problem else 9
    section = finding.section or ""
    sections = {"metadata": 8, "$": 8, "tokenizer": 14, "tensor index": 9}
    return next((number for start, number in sections.items() if section.startswith(start)), 17)
