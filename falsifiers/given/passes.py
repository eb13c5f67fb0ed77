"""How often a parity run really runs its two sides: forward passes over the tokens, and stages that are fed, as they happen."""

from __future__ import annotations

import copy
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apr.capture import Capture
    from apr.models import Model
    from apr.parity.sides import Judge, Side

    Who = Literal["subject", "oracle"]
    # who computed a stage (the subject itself, or which judge in which arithmetic), on whose inputs, and which stage
    Fed = tuple[str, Who, object]


@dataclass
class Meter:
    """Stands around the engines of two sides and around their judges, and counts.

    A pass is a forward pass of a side's engine over the tokens, whoever asks for it and however little of it is kept. A stage
    is fed where its operation is computed from the inputs that a capture holds. What looks closer at one stage that differs is
    no pass, and neither are the gates: `pausing` leaves it out.

    Attributes:
        captures: forward passes by side.
        fed: how often each stage was computed from given inputs.
    """

    subject: Side
    oracle: Side
    captures: Counter[Who] = field(default_factory=Counter)
    fed: Counter[Fed] = field(default_factory=Counter)
    _inputs: list[tuple[Who, object]] = field(default_factory=list)
    _silent: int = 0

    def who(self, side: Side) -> Who:
        """The role of a side."""
        return "subject" if side is self.subject else "oracle"

    def ran(self, side: Side) -> None:
        """A pass that was made before and is at hand: whoever asks for it would have had to make it."""
        self.captures[self.who(side)] += 1

    def holds(self, side: Side, capture: Capture) -> Capture:
        """Tells whose inputs a capture holds."""
        self._inputs.append((self.who(side), capture.stages))
        return capture

    def passes(self, who: Who) -> int:
        """Of a side: its forward passes, and how often the stage that was fed most often was, in the view where that was.

        The subject that is fed the oracle's inputs is held against the oracle, so that view counts for both.
        """
        views = [count for (by, whose, _), count in self.fed.items() if whose == who or by == "subject"]
        return self.captures[who] + max(views, default=0)

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Nothing is counted."""
        self._silent += 1
        try:
            yield
        finally:
            self._silent -= 1

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Both sides are watched; afterwards they are what they were."""
        from apr.parity.sides import can_be_fed

        with ExitStack() as undo:
            for side in (self.subject, self.oracle):
                for name in ("capture", "stream", "logits"):
                    undo.enter_context(_replaced(side.engine, name, self._counted(side, getattr(side.engine, name))))
                if side.judge is not None:
                    undo.enter_context(_replaced(side, "judge", _Watched(side.judge, self)))
            if can_be_fed(self.subject.engine):
                faulty = self._fed_model(self.subject.engine.model, "subject")
                undo.enter_context(_replaced(self.subject.engine, "model", faulty))
            yield

    def _counted(self, side: Side, run: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            if self._silent:
                return run(*args, **options)
            self.captures[self.who(side)] += 1
            with self.pausing():  # a capture is made of a stream
                return run(*args, **options)

        return counted

    def _fed_model(self, model: Model, by: str) -> Model:
        """The same model, whose stages are counted where they are computed from a capture as it stands."""
        watched, sound = copy.copy(model), model.compute

        def compute(key: Any, tokens: Any, positions: Any, stages: Any) -> Any:
            self.count(by, key, stages)
            return sound(key, tokens, positions, stages)

        watched.compute = compute  # type: ignore[method-assign] # the point of it
        return watched

    def count(self, by: str, key: object, stages: object) -> None:
        """One stage is computed."""
        whose = next((who for who, held in self._inputs if held is stages), None)
        if whose is not None and not self._silent:
            self.fed[by, whose, key] += 1


class _Watched:
    """A judge whose models are counted; what is made of them with other equations is no pass and is not."""

    def __init__(self, judge: Judge, meter: Meter) -> None:
        self._judge, self._meter, self.file = judge, meter, judge.file
        self._models: dict[str, Model] = {}

    def model(self, arithmetic: str) -> Model:
        """The model in an arithmetic."""
        if arithmetic not in self._models:
            model = copy.copy(self._judge.model(arithmetic))
            # the sides may have one judge, or each its own over its own file
            meter, judge, sound = self._meter, self._judge, type(model)

            def compute(itself: Any, key: Any, tokens: Any, positions: Any, stages: Any) -> Any:
                meter.count(f"judge {id(judge)} in {arithmetic}", key, stages)
                return sound.compute(itself, key, tokens, positions, stages)

            # a class of its own, so that copies with other hyper-parameters compute with those
            model.__class__ = type(sound.__name__, (sound,), {"compute": compute})
            self._models[arithmetic] = model
        return self._models[arithmetic]


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    """Another value for an attribute of one object; what it holds for its class alone is no more there afterwards."""
    own = vars(owner)
    before, had = own.get(name), name in own
    own[name] = value
    try:
        yield
    finally:
        if had:
            own[name] = before
        else:
            del own[name]
