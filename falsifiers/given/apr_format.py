"""The reader and the writer of .apr files, sound or with a claim's mutant planted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from apr.formats.apr import AprFile
    from pv import Evidence, Mutant


class AprFormat:
    """What `apr.formats.apr` and `apr.quant.apr_blocks` offer; asked for at each call, so that a planted fault is in it."""

    def write(
        self,
        path: Path,
        metadata: Mapping[str, Any],
        tensors: Iterable[tuple[str, str, tuple[int, ...], Any]],
        *,
        flags: int = 0x0400,
        spelling: str | None = None,
        footer: bool = True,
    ) -> str | None:
        """Writes a file; types by name. Returns the refusal, or None where it was written."""
        from apr.errors import AprError
        from apr.formats.apr import Dtype, Flags, Spelling, write_apr

        typed = [(name, Dtype(dtype), shape, data) for name, dtype, shape, data in tensors]
        chosen = None if spelling is None else Spelling(spelling)
        try:
            write_apr(path, metadata, typed, flags=Flags(flags), spelling=chosen, footer=footer)
        except AprError as error:
            return str(error)
        return None

    def read(self, path: Path) -> AprFile | str:
        """The file, or the refusal."""
        from apr.errors import AprError
        from apr.formats.apr import read_apr

        try:
            return read_apr(path)
        except AprError as error:
            return str(error)

    def checksum(self, content: bytes) -> int:
        """As header and footer have it."""
        from apr.formats.apr import header

        return header.checksum(content)

    def encode(self, type_name: str, values: NDArray[np.float32]) -> bytes:
        """AprQ4 or AprQ8."""
        from apr.quant import apr_blocks

        encoders = {"AprQ4": apr_blocks.encode_apr_q4, "AprQ8": apr_blocks.encode_apr_q8}
        return encoders[type_name](values).tobytes()

    def decode(self, type_name: str, raw: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
        """float32 [count]."""
        from apr.quant import apr_blocks

        decoders = {"AprQ4": apr_blocks.decode_apr_q4, "AprQ8": apr_blocks.decode_apr_q8}
        return decoders[type_name](raw, count)


@pytest.fixture
def apr_format(mutant: Mutant | None, evidence: Evidence, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> AprFormat:
    """The .apr container, with the claim's mutant in it if there is one."""
    from apr.mutants.formats import MUTANTS

    evidence.input("source", runtime)
    if mutant is not None and mutant.id in MUTANTS:
        MUTANTS[mutant.id].plant(monkeypatch.setattr)
    return AprFormat()
