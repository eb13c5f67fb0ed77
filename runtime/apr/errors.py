"""What the runtime says when it refuses: one message with what, where and what to do. The exit code is part of it."""

from __future__ import annotations

OK, FINDINGS, USAGE, BUG = 0, 1, 2, 3


class AprError(Exception):
    """Base of every refusal that a user may see; printed as one message, never as a traceback.

    Args:
        problem: what is wrong, as one sentence without a final full stop.
        where: file, or file and place in it (`model.gguf: metadata key 7, offset 0x1f0`).
        hint: what to do about it.
    """

    exit_code = USAGE

    def __init__(self, problem: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(problem, where, hint)
        self.problem, self.where, self.hint = problem, where, hint

    def __str__(self) -> str:
        located = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{located}; {self.hint}" if self.hint else located


class UsageError(AprError):
    """The command line asks for something that does not exist or contradicts itself."""


class UnusableInput(AprError):
    """A file that cannot be used: not the format it should be, cut off, contradicting itself."""


class UnsupportedModel(UnusableInput):
    """A sound file that this runtime does not run: architecture, tensor type, rope scaling, tokenizer."""


class DenseOnExperts(UnsupportedModel):
    """A dense feed-forward part was to be run on the weights of a mixture of experts.

    Attributes:
        missing: the dense tensors that the file does not have.
        found: the experts' tensors that it has instead.
    """

    def __init__(self, *, missing: tuple[str, ...], found: tuple[str, ...], where: str) -> None:
        super().__init__(
            f"a dense feed-forward part needs tensor {missing[0]!r}, and the file holds experts instead, first {found[0]!r}",
            where=where,
            hint="its metadata names the wrong architecture, or leaves out expert_count",
        )
        self.missing, self.found = missing, found


class NotComparable(AprError):
    """Two captures that must not be compared; the reason is the message. Not comparable is not equal."""

    exit_code = FINDINGS


class OracleError(AprError):
    """The oracle is absent, crashed, or failed to prove itself; nothing it said may be believed."""


class OracleAbsent(OracleError):
    """No llama.cpp library was found."""
