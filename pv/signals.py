"""What a falsifier raises to say how a claim came out."""

from __future__ import annotations


class Refuted(Exception):
    """The claim is refuted, and this is where.

    `distance` and `bound` say by how much; `stage`, `layer`, `position` and `channel` say where; anything else that helps
    to find the fault goes in by its own name.
    """

    def __init__(
        self,
        message: str,
        *,
        stage: str | None = None,
        layer: int | None = None,
        position: int | None = None,
        channel: int | None = None,
        distance: float | None = None,
        bound: float | None = None,
        **where: object,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.stage, self.layer, self.position, self.channel = stage, layer, position, channel
        self.distance, self.bound = distance, bound
        self.extra = where

    @property
    def where(self) -> dict[str, object]:
        """Everything that is known about the place, without what is not."""
        place = {"stage": self.stage, "layer": self.layer, "position": self.position, "channel": self.channel}
        return {name: value for name, value in {**place, **self.extra}.items() if value is not None}


class Inconclusive(Exception):
    """The claim could be neither discharged nor refuted: `reason` is the word that reports count by."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(f"{reason}: {text}" if text else reason)
        self.reason, self.text = reason, text
