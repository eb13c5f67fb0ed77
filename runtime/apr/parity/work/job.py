"""A unit with everything that its worker has to know, and the worker's answer: both are one text of JSON, and nothing else travels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.parity.codec import decode_fields, encode

if TYPE_CHECKING:
    from apr.parity.work.models import ModelIdentity
    from apr.parity.work.software import Software
    from apr.parity.work.storage import Piece
    from apr.parity.work.unit import Findings, Plan, Unit


@dataclass(frozen=True)
class Job:
    """What a worker is asked.

    Attributes:
        unit: which stage.
        plan: of its prompt.
        software: what the worker has to have.
        subject, oracle: the model file of each side; None without one.
        fed: arithmetic of the subject's model where that is fed the oracle's inputs; else "".
        closer: whether the kind of a noticeable difference is named.
        pieces: where the captured stages are that the unit reads.
    """

    unit: Unit
    plan: Plan
    software: Software
    subject: ModelIdentity | None
    oracle: ModelIdentity | None
    fed: str
    closer: bool
    pieces: tuple[Piece, ...]

    def text(self) -> str:
        """As JSON."""
        return json.dumps(encode(self), allow_nan=False, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Job:
        """From its JSON.

        Raises:
            BadRecord: it is no job.
        """
        return decode_fields(json.loads(text), cls)


@dataclass(frozen=True)
class Refusal:
    """Why a worker did not measure a unit; it would be so again.

    Attributes:
        problem, where, hint: as in `AprError`.
        bug: whether it is a bug of ours, and no refusal.
    """

    problem: str
    where: str | None
    hint: str | None
    bug: bool = False


@dataclass(frozen=True)
class Answer:
    """What a worker says.

    Attributes:
        worker: its address.
        machine: its processor.
        instruction_sets: of the processor.
        findings: of the unit; None where it refuses.
        refusal: why; None where it measured.
        captures_read: bytes of captured stages that it read.
        weights_read: bytes of the tensors that it asked its model file for.
    """

    worker: str
    machine: str
    instruction_sets: tuple[str, ...]
    findings: Findings | None = None
    refusal: Refusal | None = None
    captures_read: int = 0
    weights_read: int = 0

    def text(self) -> str:
        """As JSON."""
        return json.dumps(encode(self), allow_nan=False, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Answer:
        """From its JSON.

        Raises:
            BadRecord: it is no answer.
        """
        return decode_fields(json.loads(text), cls)


def software_as_text(found: Software) -> str:
    """What a process computes with, as JSON."""
    return json.dumps(encode(found), separators=(",", ":"))


def parse_software(text: str) -> Software:
    """From its JSON.

    Raises:
        BadRecord: it is none.
    """
    from apr.parity.work.software import Software  # noqa: PLC0415 - only who talks to workers

    return decode_fields(json.loads(text), Software)
