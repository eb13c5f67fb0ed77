"""Checks of a file's structure: each finds the defect that is planted for it, and nothing else objects to that."""

from __future__ import annotations

import shutil
import struct
import time
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.checks import CHECKS, Outcome, Report, Verdict, examine
from apr.convert import Import, ImportOptions
from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats import open_model
from apr.formats.apr.reader import open_headers
from apr.formats.gguf import read_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    Plant = Callable[["Planted"], None]

STRUCTURE = frozenset(number for number, check in CHECKS.items() if not check.reads_data)


def objecting(report: Report) -> list[int]:
    """The numbers of the checks that fail or warn."""
    return [check.number for check, outcome in report.outcomes if outcome.verdict in {Verdict.FAIL, Verdict.WARN}]


def verdicts(report: Report) -> Counter[Verdict]:
    return Counter(outcome.verdict for _, outcome in report.outcomes)


class Planted:
    """A copy of a sound file, to be damaged."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path = target
        shutil.copy(path, target)
        self.content = bytearray(path.read_bytes())

    def write(self, at: int, value: bytes) -> None:
        self.content[at : at + len(value)] = value

    def seal_header(self) -> None:
        self.write(40, struct.pack("<I", zlib.crc32(self.content[:40] + self.content[44:64])))

    def seal(self) -> None:
        """Makes the footer right again, so that only what was planted is wrong."""
        self.content[-4:] = struct.pack("<I", zlib.crc32(self.content[:-4]))

    def apr_place(self, name: str) -> tuple[int, int, int]:
        """Where an .apr index entry has its offset, and the offset and size it states."""
        entry = next(entry for entry in open_headers(self.path).entries if entry.name == name)
        return entry.at + 2 + len(name) + 2 + 8 * len(entry.shape), entry.offset, entry.nbytes

    def report(self, numbers: Any = CHECKS) -> Report:
        self.path.write_bytes(self.content)
        return examine(self.path, numbers)


@pytest.fixture(scope="module")
def sound_gguf(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # heads of 24: 96 bytes of a head norm leave room for a shift within its padding
    spec = maker.Spec("qwen3", "Q8_0", head_dim=24, heads=4, kv_heads=4)
    path: Path = maker.write_model(tmp_path_factory.mktemp("sound") / "sound.gguf", spec)
    return path


@pytest.fixture(scope="module")
def sound_apr(sound_gguf: Path) -> Path:
    path = sound_gguf.with_name("sound.apr")
    Import(open_model(sound_gguf), ImportOptions(dequantise=True)).write(path)
    return path


@pytest.mark.parametrize("suffix", ["apr", "gguf"])
def test_a_sound_file_passes_whatever_applies(sound_apr: Path, sound_gguf: Path, suffix: str) -> None:
    report = examine({"apr": sound_apr, "gguf": sound_gguf}[suffix], CHECKS)
    assert [check.number for check, _ in report.outcomes] == list(range(1, 18))
    absent = {"apr": {15}, "gguf": {3, 4}}[suffix]  # F32 alone; GGUF has no checksums
    assert {check.number for check in report.verdicts(Verdict.NOT_APPLICABLE)} == absent
    assert verdicts(report)[Verdict.PASS] == 17 - len(absent)
    assert (report.format, report.size) == (suffix, report.path.stat().st_size)


def shift(name: str, by: int) -> Plant:
    """Moves a tensor's data in the index."""

    def plant(file: Planted) -> None:
        at, offset, _ = file.apr_place(name)
        file.write(at, struct.pack("<Q", offset + by))
        file.seal()

    return plant


def resize(name: str, by: int) -> Plant:
    def plant(file: Planted) -> None:
        at, _, nbytes = file.apr_place(name)
        file.write(at + 8, struct.pack("<Q", nbytes + by))
        file.seal()

    return plant


def header_field(at: int, value: bytes) -> Plant:
    def plant(file: Planted) -> None:
        file.write(at, value)
        file.seal_header()
        file.seal()

    return plant


def cut(keep: float) -> Plant:
    def plant(file: Planted) -> None:
        del file.content[int(len(file.content) * keep) :]

    return plant


def cut_at(end: int) -> Plant:
    def plant(file: Planted) -> None:
        del file.content[end:]

    return plant


def spoil_json(file: Planted) -> None:
    file.write(64, b"[")
    file.seal()


def spoil_name(file: Planted) -> None:
    at = open_headers(file.path).entries[0].at
    file.write(at + 2, b"\xff")
    file.seal()


def spoil_footer(file: Planted) -> None:
    file.content[-2] ^= 0x10


def spoil_value(file: Planted) -> None:
    file.content[-5] ^= 1  # in the last tensor


def spoil_magic(file: Planted) -> None:
    file.write(3, b"X")
    file.seal()


OVERLAP, MISALIGN = "model.layers.0.mlp.up_proj.weight", "model.layers.0.self_attn.q_norm.weight"
APR_DEFECTS: dict[str, tuple[Plant, int, str]] = {
    "magic": (spoil_magic, 1, "starts with b'APRX'"),
    "cut within the header": (cut_at(40), 2, "the file ends after 40 bytes"),
    "version": (header_field(4, b"\3"), 2, "version 3.0"),
    "column major": (header_field(6, b"\0\x08"), 2, "LAYOUT_COLUMN_MAJOR"),
    "encrypted": (header_field(6, b"\4\4"), 2, "encrypted"),
    "sections out of order": (header_field(24, struct.pack("<Q", 64)), 2, "what stands before it ends"),
    "footer": (spoil_footer, 4, "a byte has changed"),
    "a value": (spoil_value, 4, "a byte has changed"),
    "cut to 4.5 %": (cut(0.045), 5, "the file ends at byte"),
    "cut in the metadata": (cut_at(100), 5, "would start at byte"),
    "cut by two bytes": (cut_at(-2), 5, "2 bytes follow"),
    "bytes behind the footer": (lambda file: file.content.extend(b"x"), 5, "5 bytes follow"),
    "overlap": (shift(OVERLAP, -64), 6, "overlaps that of tensor"),
    "misaligned": (shift(MISALIGN, 4), 7, "no multiple of 64"),
    "metadata are no JSON": (spoil_json, 8, "no JSON"),
    "name is no UTF-8": (spoil_name, 9, "not UTF-8"),
    "too many tensors": (header_field(8, struct.pack("<I", 1000)), 9, "1000 tensors announced"),
    "row bytes": (resize(OVERLAP, -4), 11, "fits no type"),
}


def outcome_of(report: Report, number: int) -> Outcome:
    return next(outcome for check, outcome in report.outcomes if check.number == number)


def is_refused(path: Path) -> bool:
    try:
        open_model(path)
    except UnusableInput:
        return True
    return False


@pytest.mark.parametrize("name", APR_DEFECTS)
def test_a_defect_of_an_apr_file_fails_its_check_and_no_other(sound_apr: Path, tmp_path: Path, name: str) -> None:
    plant, number, message = APR_DEFECTS[name]
    file = Planted(sound_apr, tmp_path / "damaged.apr")
    plant(file)
    report = file.report()
    assert objecting(report) == [number]
    finding = outcome_of(report, number).findings[0]
    assert message in finding.problem
    assert finding.file == str(file.path)
    assert finding.offset is not None
    assert is_refused(file.path) == (number != 4), "readers do not read the whole file"


def test_any_flip_in_the_header_is_its_checksum_s(sound_apr: Path, tmp_path: Path) -> None:
    for at in range(4, 64):
        file = Planted(sound_apr, tmp_path / "flipped.apr")
        file.content[at] ^= 0x01
        report = file.report(STRUCTURE)
        assert objecting(report) == [3], at
        skipped = {check.number for check in report.verdicts(Verdict.SKIPPED)}
        assert skipped == STRUCTURE - {1, 3}
        assert all(outcome_of(report, number).seen == "because check 3 failed" for number in skipped)


def test_a_cut_file_names_every_tensor_that_is_lost(sound_apr: Path, tmp_path: Path) -> None:
    file = Planted(sound_apr, tmp_path / "cut.apr")
    cut(0.5)(file)
    report = file.report()
    lost = [entry.name for entry in open_headers(file.path).entries if end_of(file, entry.name) > len(file.content)]
    assert len(lost) > 3
    assert [finding.tensor for finding in outcome_of(report, 5).findings] == lost
    for number in (6, 7, 11):
        assert outcome_of(report, number).verdict is Verdict.PASS, "the index says as much as before"
    for number in (4, 8, 12, 13, 14, 15, 16, 17):
        assert outcome_of(report, number).verdict is Verdict.SKIPPED


def end_of(file: Planted, name: str) -> int:
    _, offset, nbytes = file.apr_place(name)
    return open_headers(file.path).header.data_offset + offset + nbytes


def test_padding_belongs_to_the_file(by_hand: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "padded.apr"
    content = by_hand().bytes  # its last tensor has 24 bytes, and 40 of padding
    for end, message in ((-1, "the padding behind its last tensor"), (-41, "its data would end at byte")):
        path.write_bytes(content[:end])
        report = examine(path, STRUCTURE)
        assert objecting(report) == [5]
        assert message in outcome_of(report, 5).findings[0].problem


def test_two_defects_are_both_found(sound_apr: Path, tmp_path: Path) -> None:
    file = Planted(sound_apr, tmp_path / "worse.apr")
    shift(MISALIGN, 4)(file)
    resize(OVERLAP, -4)(file)
    assert objecting(file.report()) == [7, 11]


def test_without_a_footer_there_is_nothing_to_verify(sound_apr: Path, tmp_path: Path) -> None:
    file = Planted(sound_apr, tmp_path / "bare.apr")
    del file.content[-4:]
    report = file.report()
    assert objecting(report) == []
    assert outcome_of(report, 4).verdict is Verdict.NOT_APPLICABLE
    assert "no footer" in outcome_of(report, 4).seen


class Gguf(Planted):
    """A copy of a sound GGUF file, to be damaged."""

    def entry(self, name: str) -> Any:
        return next(entry for entry in read_head(self.path).entries if entry.name == name)

    def set_offset(self, name: str, by: int) -> None:
        entry = self.entry(name)
        self.write(entry.type_at + 4, struct.pack("<Q", entry.offset + by))


def gguf_overlap(file: Gguf) -> None:
    file.set_offset("blk.0.ffn_up.weight", -32)


def gguf_misaligned(file: Gguf) -> None:
    file.set_offset(read_head(file.path).entries[-1].name, 1)
    file.content += bytes(1)


def gguf_rows(file: Gguf) -> None:
    entry = file.entry("blk.0.ffn_up.weight")
    rows, columns = entry.dims[1], entry.dims[0]
    file.write(entry.type_at - 16, struct.pack("<QQ", columns // 4, rows * 4))


def gguf_type(file: Gguf) -> None:
    file.write(file.entry("blk.0.ffn_up.weight").type_at, struct.pack("<I", 999))


def gguf_big_endian(file: Gguf) -> None:
    file.write(4, struct.pack(">I", 3))


def gguf_twice(file: Gguf) -> None:
    entry = file.entry("blk.1.attn_q.weight")
    file.write(entry.at + 8, b"blk.0")


def gguf_key(file: Gguf) -> None:
    at = file.content.index(b"general.name")
    file.write(at, b"\xff")


GGUF_DEFECTS: dict[str, tuple[Callable[[Gguf], None], int, str]] = {
    "magic": (lambda file: file.write(1, b"X"), 1, "starts with b'GXUF'"),
    "version": (lambda file: file.write(4, struct.pack("<I", 9)), 2, "version 9"),
    "big endian": (gguf_big_endian, 2, "big-endian"),
    "cut within the header": (cut_at(12), 2, "the file ends in the middle"),
    "cut to 70 %": (cut(0.7), 5, "but the file ends at byte"),
    "overlap": (gguf_overlap, 6, "overlaps"),
    "misaligned": (gguf_misaligned, 7, "no multiple of 32"),
    "key is no UTF-8": (gguf_key, 8, "not UTF-8"),
    "name twice": (gguf_twice, 9, "occurs twice"),
    "rows of no whole blocks": (gguf_rows, 11, "do not divide into Q8_0 blocks"),
    "unknown type": (gguf_type, 11, "type 999 is not known"),
}


@pytest.mark.parametrize("name", GGUF_DEFECTS)
def test_a_defect_of_a_gguf_file_fails_its_check_and_no_other(sound_gguf: Path, tmp_path: Path, name: str) -> None:
    plant, number, message = GGUF_DEFECTS[name]
    file = Gguf(sound_gguf, tmp_path / "damaged.gguf")
    plant(file)
    report = file.report()
    failing = [check.number for check in report.verdicts(Verdict.FAIL)]
    assert failing == [number]
    assert message in outcome_of(report, number).findings[0].problem
    assert is_refused(file.path)


def test_what_llama_cpp_alone_refuses_in_a_gguf_file_is_a_warning(sound_gguf: Path, tmp_path: Path) -> None:
    file = Gguf(sound_gguf, tmp_path / "gap.gguf")
    last = read_head(file.path).entries[-1]
    file.set_offset(last.name, 32)
    at = read_head(file.path).data_start + last.offset
    file.content[at:at] = bytes(32)
    report = file.report()
    assert objecting(report) == [6]
    assert "llama.cpp refuses that" in outcome_of(report, 6).findings[0].problem
    file = Gguf(sound_gguf, tmp_path / "tail.gguf")
    file.content += bytes(64)
    assert objecting(file.report()) == [5]
    assert outcome_of(file.report(), 5).verdict is Verdict.WARN


@pytest.mark.parametrize("content", [b"", b"<html>", b"APRN" + bytes(40), b"APR1" + bytes(40), b"APR2", b'{"a": 1}'])
def test_what_is_no_model_is_refused_and_not_judged(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    with pytest.raises(UnusableInput):
        examine(path, CHECKS)


def test_version_1_is_named(tmp_path: Path) -> None:
    path = tmp_path / "old.apr"
    path.write_bytes(b"APRN" + bytes([1, 0, 1, 0]) + bytes(40))
    with pytest.raises(UnsupportedModel, match=r"version 1.*LinearRegression"):
        examine(path, CHECKS)


def test_a_check_that_was_not_asked_for_is_made_where_it_explains_a_skip(sound_apr: Path, tmp_path: Path) -> None:
    file = Planted(sound_apr, tmp_path / "cut.apr")
    cut(0.5)(file)
    report = file.report({12})
    assert [(check.number, outcome.verdict) for check, outcome in report.outcomes] == [
        (5, Verdict.FAIL),
        (12, Verdict.SKIPPED),
    ]
    assert [check.number for check, _ in examine(sound_apr, {12}).outcomes] == [12]


def agree(path: Path) -> None:
    """Whatever the reader refuses fails a check or is refused as no model, and what passes opens."""
    refused = is_refused(path)
    start = time.monotonic()
    try:
        report = examine(path, STRUCTURE)
    except AprError:
        assert refused
        return
    assert time.monotonic() - start < 2
    if refused:
        assert report.verdicts(Verdict.FAIL), "a file that does not open has no failing check"
    failed_or_warned = set(objecting(report))
    for check in report.verdicts(Verdict.SKIPPED):
        because = int(outcome_of(report, check.number).seen.split()[2])
        assert because in failed_or_warned


@pytest.mark.parametrize("suffix", ["apr", "gguf"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_the_head_gets_past(
    sound_apr: Path, sound_gguf: Path, tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    sound = {"apr": sound_apr, "gguf": sound_gguf}[suffix]
    content = bytearray(sound.read_bytes())
    head = open_headers(sound_apr).header.data_offset if suffix == "apr" else read_head(sound_gguf).data_start
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, head - 1))] = data.draw(st.integers(0, 255))
    if suffix == "apr" and data.draw(st.booleans()):
        content[40:44] = struct.pack("<I", zlib.crc32(content[:40] + content[44:64]))
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(content)
    agree(path)


@pytest.mark.parametrize("suffix", ["apr", "gguf"])
def test_no_cut_gets_past(sound_apr: Path, sound_gguf: Path, tmp_path: Path, suffix: str) -> None:
    sound = {"apr": sound_apr, "gguf": sound_gguf}[suffix]
    content = sound.read_bytes()
    path = tmp_path / f"cut.{suffix}"
    ends = [*range(128), *range(128, len(content), len(content) // 97), len(content) - 3, len(content) - 1]
    for end in ends:
        path.write_bytes(content[:end])
        agree(path)
