"""The two encodings of .apr's own: AprQ4 with a scale for 32 values, AprQ8 with one for the whole tensor.

    AprQ4   blocks of 18 bytes: float16 scale, 16 bytes of nibbles; element 2i is the low nibble of byte i, 2i + 1 the high
            one (ggml's Q4_0 keeps the two halves of a block apart instead); value = scale * (nibble - 8)
    AprQ8   float32 scale, then an int8 a value; value = scale * q

Blocks run across rows. What is left of AprQ4's last block holds nibble 0, which would decode to -8 * scale: the number of
elements says where to stop. Quotients are rounded half away from zero, as Rust's `f32::round` does.
Source: `apr-format` of paiml/aprender, v2/writer.rs; aprender's `dequantize_q4`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnusableInput
from apr.formats.apr.dtypes import APR_Q4_BLOCK, APR_Q4_BYTES, APR_Q8_HEAD, Dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

_ZERO_NIBBLE = 8
_F16_MIN_NORMAL = np.float32(2.0**-14)
# F-DATA-QUALITY-001: a tensor of this many values that becomes almost nothing but zeros has lost its content. The writer of
# AprQ4 refuses it upstream; the writer of AprQ8 only warns there, and refuses here: nobody reads a warning later.
_DENSITY_FROM = 1024
_MAX_ZEROS_Q4, _MAX_ZEROS_Q8 = 0.99, 0.995
_PART = 1 << 20  # values that are encoded at a time


def encode_apr_q4(values: NDArray[np.float32], where: str = "tensor") -> NDArray[np.uint8]:
    """Encodes a tensor as AprQ4.

    Scale of a block: its greatest magnitude / 7 in float32 (1 for a block of zeros), which divides the values before it is
    rounded to float16 and stored. q is clamped to -8..7.

    Args:
        values: any shape, float32, taken in C order.
        where: which tensor of which file, for messages.

    Returns:
        uint8 [ceil(size / 32) * 18]

    Raises:
        UnusableInput: NaN or infinity, a scale beyond float16, or from 1024 values on more than 99 % of them become zero.
    """
    return np.concatenate([np.empty(0, np.uint8), *stream_apr_q4([values], where)])


def stream_apr_q4(pieces: Iterable[NDArray[np.float32]], where: str = "tensor") -> Iterator[NDArray[np.uint8]]:
    """Encodes a tensor as AprQ4 piece by piece; see `encode_apr_q4`, whose bytes come out.

    Args:
        pieces: the tensor's values, in C order.
        where: which tensor of which file, for messages.

    Yields:
        uint8 [whole blocks * 18]; the last one may be filled up.

    Raises:
        UnusableInput: as `encode_apr_q4`; that too little is left is known only after the last piece.
    """
    rest = np.empty(0, np.float32)
    count = zeros = 0
    for piece in pieces:
        for part in _parts(_finite(piece, where)):
            values = np.concatenate([rest, part]) if rest.size else part
            whole = values.size // APR_Q4_BLOCK * APR_Q4_BLOCK
            rest = values[whole:]
            count += part.size
            if whole:
                encoded, empty = _q4_blocks(values[:whole], where)
                zeros += empty
                yield encoded
    if rest.size:
        encoded, empty = _q4_blocks(rest, where)
        zeros += empty
        yield encoded
    _refuse_empty(zeros, count, _MAX_ZEROS_Q4, "AprQ4", where)


def _q4_blocks(flat: NDArray[np.float32], where: str) -> tuple[NDArray[np.uint8], int]:
    """Encoded blocks, and how many of the values became zero; the last block is filled up with nibble 0."""
    blocks = np.zeros((-(-flat.size // APR_Q4_BLOCK), APR_Q4_BLOCK), np.float32)
    blocks.reshape(-1)[: flat.size] = flat
    scales = _scales(np.abs(blocks).max(axis=1, initial=0), 7)
    with np.errstate(over="ignore"):  # found right below
        stored = scales.astype("<f2")
    if not np.isfinite(stored).all():
        raise UnusableInput(
            f"values up to {np.abs(flat).max():.3g} are beyond AprQ4, whose float16 scales end at 65504",
            where=where,
            hint="keep the tensor in float32",
        )
    nibbles = (_quotients(blocks, scales[:, None], -8, 7) + _ZERO_NIBBLE).astype(np.uint8)
    nibbles.reshape(-1)[flat.size :] = 0
    zeros = np.count_nonzero(nibbles.reshape(-1)[: flat.size] == _ZERO_NIBBLE)
    encoded = np.empty((len(blocks), APR_Q4_BYTES), np.uint8)
    encoded[:, :2] = stored[:, None].view(np.uint8)
    encoded[:, 2:] = nibbles[:, ::2] | nibbles[:, 1::2] << 4
    return encoded.reshape(-1), int(zeros)


def decode_apr_q4(raw: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """Decodes AprQ4; a scale that is NaN, infinite or below float16's normal range counts as 0.

    Args:
        raw: uint8 [ceil(count / 32) * 18]
        count: of elements.

    Returns:
        float32 [count]

    Raises:
        ValueError: another number of bytes.
    """
    if raw.size != -(-count // APR_Q4_BLOCK) * APR_Q4_BYTES:
        raise ValueError(f"{raw.size} bytes are no {count} values of AprQ4")
    blocks = np.ascontiguousarray(raw).reshape(-1, APR_Q4_BYTES)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    usable = np.isfinite(scales) & (np.abs(scales) >= _F16_MIN_NORMAL)
    nibbles = np.empty((len(blocks), APR_Q4_BLOCK), np.float32)
    nibbles[:, ::2], nibbles[:, 1::2] = blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4
    decoded: NDArray[np.float32] = (nibbles - _ZERO_NIBBLE) * np.where(usable, scales, np.float32(0))
    return decoded.reshape(-1)[:count]


def encode_apr_q8(values: NDArray[np.float32], where: str = "tensor") -> NDArray[np.uint8]:
    """Encodes a tensor as AprQ8: the scale is the greatest magnitude / 127 in float32, or 1 for a tensor of zeros.

    Args:
        values: any shape, float32, taken in C order.
        where: which tensor of which file, for messages.

    Returns:
        uint8 [4 + size]

    Raises:
        UnusableInput: NaN or infinity, or from 1024 values on more than 99.5 % of them become zero.
    """
    return np.concatenate(list(stream_apr_q8(lambda: [values], where)))


def stream_apr_q8(
    pieces: Callable[[], Iterable[NDArray[np.float32]]], where: str = "tensor"
) -> Iterator[NDArray[np.uint8]]:
    """Encodes a tensor as AprQ8 piece by piece; see `encode_apr_q8`, whose bytes come out.

    Args:
        pieces: gives the tensor's values, in C order; asked twice, because the scale comes first.
        where: which tensor of which file, for messages.

    Yields:
        uint8 [4], the scale, then uint8 [values].

    Raises:
        UnusableInput: as `encode_apr_q8`; that too little is left is known only after the last piece.
    """
    greatest = np.zeros(1, np.float32)
    for piece in pieces():
        greatest = np.maximum(greatest, np.abs(_finite(piece, where)).max(initial=0))
    scale = _scales(greatest, 127)
    yield scale.astype("<f4").view(np.uint8)
    count = kept = 0
    for piece in pieces():
        for part in _parts(_finite(piece, where)):
            q = _quotients(part, scale, -127, 127).astype(np.int8)
            count += part.size
            kept += int(np.count_nonzero(q))
            yield q.view(np.uint8)
    _refuse_empty(count - kept, count, _MAX_ZEROS_Q8, "AprQ8", where)


def _parts(flat: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Pieces of at most `_PART` values, so that what is made of them on the way stays small."""
    for start in range(0, flat.size, _PART):
        yield flat[start : start + _PART]


def decode_apr_q8(raw: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """Decodes AprQ8.

    Args:
        raw: uint8 [4 + count]
        count: of elements.

    Returns:
        float32 [count]

    Raises:
        ValueError: another number of bytes.
    """
    if raw.size != APR_Q8_HEAD + count:
        raise ValueError(f"{raw.size} bytes are no {count} values of AprQ8")
    scale = raw[:APR_Q8_HEAD].copy().view("<f4")[0]
    with np.errstate(over="ignore", invalid="ignore"):  # what a damaged scale makes is a result like any other
        decoded: NDArray[np.float32] = raw[APR_Q8_HEAD:].view(np.int8).astype(np.float32) * np.float32(scale)
    return decoded


# by type name: encoded bytes of a tensor and how many values it has to these values
APR_DECODERS = {Dtype.APR_Q4.value: decode_apr_q4, Dtype.APR_Q8.value: decode_apr_q8}


def _finite(values: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    if not np.isfinite(flat).all():
        raise UnusableInput("holds NaN or infinity, which the type cannot hold", where=where, hint="keep it in float32")
    return flat


def _scales(greatest: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    return np.where(greatest == 0, np.float32(1), greatest / np.float32(steps))


def _quotients(values: NDArray[np.float32], scales: NDArray[np.float32], low: int, high: int) -> NDArray[np.float32]:
    """The values divided by their scales, rounded half away from zero and clamped; 0 / 0, where a scale underflowed, is 0 as in Rust."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = np.nan_to_num(values / scales, nan=0.0)
    whole = np.trunc(quotients)
    rounded = whole + np.copysign(np.abs(quotients - whole) >= np.float32(0.5), quotients)
    return np.asarray(np.clip(rounded, low, high), np.float32)


def _refuse_empty(zeros: int | np.intp, count: int, most: float, name: str, where: str) -> None:
    if count >= _DENSITY_FROM and zeros > most * count:
        raise UnusableInput(
            f"{zeros} of {count} values become zero in {name}: outliers take the whole scale",
            where=where,
            hint="choose another type for it",
        )
