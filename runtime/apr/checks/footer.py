"""Check 4: the checksum of a whole .apr file, where it has one."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from apr.checks.places import FOOTER_SIZE, beyond_the_end, required_size
from apr.checks.verdict import Blocked, Check, Finding, Outcome, judged, not_applicable
from apr.console import Progress
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from apr.checks.part import Part
    from apr.checks.subject import Subject

_CHUNK = 1 << 20


def _run(subject: Subject) -> Outcome:
    if not subject.parts:
        subject.file  # noqa: B018 - says why there are none
    found: list[Finding] = []
    seen: list[str] = []
    for part in subject.parts:
        if 4 in part.absent:
            return not_applicable(part.absent[4])
        beyond = beyond_the_end(part)
        if beyond:
            raise Blocked(5, beyond)
        end = required_size(part)
        if part.size == end:
            continue
        stored, computed = _checksums(part, end)
        seen.append(f"{stored:#010x}")
        if stored != computed:
            problem = f"the checksum is {stored:#010x}, but the file's is {computed:#010x}: a byte has changed"
            found.append(Finding(str(part.path), problem, "footer", None, end))
    if not seen:
        return not_applicable("the file has no footer; some writers leave it out")
    return judged(found, "; ".join(seen))


def _checksums(part: Part, end: int) -> tuple[int, int]:
    """The checksum that the footer holds, and that of everything before it."""
    crc = 0
    with part.path.open("rb") as file, Progress("checking the footer", end, unit="bytes") as progress:
        for start in range(0, end, _CHUNK):
            chunk = file.read(min(_CHUNK, end - start))
            crc = zlib.crc32(chunk, crc)
            progress.advance(len(chunk))
        footer = file.read(FOOTER_SIZE)
    if len(footer) != FOOTER_SIZE:
        raise UnusableInput("became shorter while it was read", where=str(part.path))
    return int.from_bytes(footer, "little"), crc


CHECKS = (Check(4, "footer", "the file's checksum is that of the file", _run, reads_data=True),)
