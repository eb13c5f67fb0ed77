"""Counterexamples that Hypothesis found, kept beside the ledger and tried first next time; and the seeds of its runs.

Hypothesis keeps examples under a digest of the test's source, and none where a run is to be the same each time. Here they are kept
for each case of each claim, so that they outlive an edit of the falsifier, and runs are made the same each time by a fixed seed
instead. All of Hypothesis that is not public and that pv touches is in here.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import random
import re
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pv.parse import Case, Claim

_SEED_BITS = 53  # any reader of JSON holds such a number exactly
_KEY = b"pv"


@dataclass
class Kept:
    """The examples of one case, and how its properties were run.

    Attributes:
        folder: where its counterexamples are kept.
        key: contract, claim, parameters and mutant, as one text.
        session_seed: what the other random numbers of the session come from, if that is known.
        again: the properties of an earlier run, to be run as they were; nothing is kept then.
        properties: what was run so far, in the order of the calls: `seed`, and the stored examples that were tried `first`.
    """

    folder: Path
    key: str
    session_seed: int | None = None
    again: Sequence[dict[str, Any]] | None = None
    properties: list[dict[str, Any]] = field(default_factory=list)
    stores: list[Any] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether a counterexample of this case is kept now."""
        return self.again is None and any(list(store.fetch(_KEY)) for store in self.stores)

    def seed(self, own: object, forced: object, *, fixed: bool) -> object:
        """The seed of the next property.

        Args:
            own: what the falsifier asks for; None if it does not.
            forced: what the command line asks for; None if it does not.
            fixed: whether every run is to be the same.
        """
        number = len(self.properties)
        if self.again is not None and number < len(self.again):
            return self.again[number]["seed"]
        for asked in (own, forced):
            if asked is not None:
                return asked if isinstance(asked, (int, str)) else str(asked)
        if fixed or self.session_seed is not None:
            text = f"{self.key}\0{number}" + ("" if fixed else f"\0{self.session_seed}")
            return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()) >> 256 - _SEED_BITS
        return secrets.randbits(_SEED_BITS)

    def store(self) -> Any:
        """The examples of the next property."""
        from hypothesis.database import DirectoryBasedExampleDatabase, InMemoryExampleDatabase  # noqa: PLC0415  loaded already

        number = len(self.properties)
        if self.again is None:
            inner: Any = DirectoryBasedExampleDatabase(self.folder / str(number))
        else:
            inner = InMemoryExampleDatabase()
            for text in self.again[number]["first"] if number < len(self.again) else ():
                inner.save(_KEY, base64.b64decode(text))
        self.stores.append(inner)
        return _minimal(inner)


def open_kept(ledger: Path, claim: Claim, case: Case, session_seed: object, again: str | None) -> Kept:
    """What is kept of a case beside the ledger at `ledger`; `again` is a file with the properties of an earlier run.

    Raises:
        OSError: that file cannot be read.
        ValueError: it is not JSON.
    """
    mutant = case.mutant.id if case.mutant else ""
    key = f"{claim.contract}\0{claim.id}\0{case.key}\0{mutant}"
    name = re.sub(r"[^\w.-]+", "-", f"{claim.contract}.{claim.id}", flags=re.ASCII)[:100]
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    earlier = None if again is None else json.loads(Path(again).read_text(encoding="utf-8"))
    seed = session_seed if isinstance(session_seed, int) else None
    return Kept(ledger.parent / "examples" / f"{name}.{digest}", key, seed, earlier)


@contextlib.contextmanager
def keeping(kept: Kept) -> Iterator[None]:
    """Let every property that is run until the end be run with what is kept, if Hypothesis is there."""
    core = sys.modules.get("hypothesis.core")
    names = ("ConjectureRunner", "get_random_for_wrapped_test")
    sound = {name: getattr(core, name, None) for name in names}
    if core is None or None in sound.values():  # another Hypothesis: it does as it always does
        yield
        return
    runner: Any = sound["ConjectureRunner"]

    def seeded(_test: object, wrapped: Any) -> random.Random:
        asked = wrapped._hypothesis_internal_use_settings  # noqa: SLF001  as the function that this one stands for
        own = wrapped._hypothesis_internal_use_seed  # noqa: SLF001  as above
        wrapped._hypothesis_internal_use_generated_seed = None  # noqa: SLF001  as above
        store = kept.store()
        first = [base64.b64encode(one).decode() for one in sorted(store.fetch(_KEY), key=lambda one: (len(one), one))]
        seed = kept.seed(own, getattr(core, "global_force_seed", None), fixed=asked.derandomize)
        kept.properties.append({"seed": seed, "first": first})
        stores.append(store)
        return random.Random(seed)  # type: ignore[arg-type]  # noqa: S311  a number or a text; no secret comes of it

    def run(execute: Any, *arguments: Any, settings: Any, **options: Any) -> Any:
        if stores:
            settings = type(settings)(parent=settings, derandomize=False, database=stores.pop())
            options["database_key"] = _KEY
        return runner(execute, *arguments, settings=settings, **options)

    stores: list[Any] = []
    core.get_random_for_wrapped_test = seeded  # type: ignore[attr-defined]
    core.ConjectureRunner = run  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name, value in sound.items():
            setattr(core, name, value)


def _minimal(inner: Any) -> Any:
    return _filter()(inner)


@functools.cache
def _filter() -> Any:
    """Keeps counterexamples only, not what Hypothesis saw on the way to them: a row names everything that was tried first."""
    from hypothesis.database import ExampleDatabase  # noqa: PLC0415  loaded already

    class Minimal(ExampleDatabase):
        def __init__(self, inner: ExampleDatabase) -> None:
            super().__init__()
            self._inner = inner

        def fetch(self, key: bytes) -> Iterable[bytes]:
            return self._inner.fetch(key) if key == _KEY else ()

        def save(self, key: bytes, value: bytes) -> None:
            if key == _KEY:
                self._inner.save(key, value)

        def delete(self, key: bytes, value: bytes) -> None:
            if key == _KEY:
                self._inner.delete(key, value)

    return Minimal
