"""From what a user types to an engine: `numpy:f64`, `llama.cpp`, `transformers`, `dir:FOLDER`, `cmd:PROGRAM …`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apr.engines.base import TIMEOUT
from apr.engines.external import External, parse_template
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.llama_cpp.providers import provider_at
from apr.engines.recorded import Recorded
from apr.engines.reference import Reference
from apr.errors import OracleAbsent, UsageError
from apr.formats import open_model
from apr.models import load
from apr.ops.arithmetic import ARITHMETICS, F32, F64, GGML

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Sequence

    from apr.engines.base import Engine
    from apr.formats.model_file import ModelFile

# how each kind is written
SPELLINGS = {
    "numpy": f"numpy:{'|'.join(ARITHMETICS)}",
    "llama.cpp": "llama.cpp[:LIBRARY]",
    "transformers": f"transformers[:{F32.name}|{F64.name}]",
    "dir": "dir:STAGE_DIR",
    "cmd": "cmd:PROGRAM … {model} {tokens} {stages} {out}",
}
_DEFAULTS = {"numpy": GGML.name, "transformers": F32.name}  # arithmetic of a kind that stands alone


@dataclass(frozen=True)
class EngineSpec:
    """An engine as it was asked for, checked as far as that goes without opening anything.

    Attributes:
        text: as typed.
        kind: key of `SPELLINGS`.
        detail: what stands behind the first colon; an arithmetic's name filled in where none was typed.
    """

    text: str
    kind: str
    detail: str

    @property
    def needs_model(self) -> bool:
        """Whether there is nothing to run without a model file."""
        return self.kind != "dir"


def parse_engine(text: str) -> EngineSpec:
    """Takes a spec apart.

    Raises:
        UsageError: anything that is no engine; the message has the nearest match and the list.
    """
    kind, colon, detail = text.strip().partition(":")
    if kind not in SPELLINGS:
        near = difflib.get_close_matches(kind.lower(), SPELLINGS, 1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        folder = f"a folder of stage files is written dir:{text}; " if text and not near and Path(text).is_dir() else ""
        raise UsageError(f"unknown engine {text!r}", hint=f"{guess}{folder}engines are {', '.join(SPELLINGS.values())}")
    if colon and not detail:
        raise UsageError(f"nothing stands behind the colon of {text!r}", hint=f"write {SPELLINGS[kind]}")
    if kind in ("dir", "cmd") and not detail:
        raise UsageError(f"{text!r} says not what to use", hint=f"write {SPELLINGS[kind]}")
    if kind == "cmd":
        parse_template(detail)
    if kind in _DEFAULTS:
        detail = _arithmetic(text, kind, detail or _DEFAULTS[kind])
    if kind == "llama.cpp" and detail:
        try:
            provider_at(Path(detail))
        except OracleAbsent as error:
            raise UsageError(error.problem, where=text, hint=error.hint) from error
    if kind == "dir" and not Path(detail).is_dir():
        problem = "is no folder" if Path(detail).exists() else "does not exist"
        raise UsageError(f"{detail} {problem}", where=text, hint="give a folder of stage files")
    return EngineSpec(text.strip(), kind, detail)


def open_engine(
    spec: str | EngineSpec,
    model: Path | ModelFile | None,
    *,
    stack: contextlib.ExitStack,
    timeout: float | None = None,
    tokens: Sequence[int] | None = None,
) -> Engine:
    """The engine that a spec names, ready to run.

    Args:
        spec: as typed, or taken apart.
        model: what to run; may be left out for `dir:`, whose files say what was run.
        stack: closes the engine.
        timeout: seconds that an answer of another process may take; None for `apr.engines.base.TIMEOUT`.
        tokens: what the command line says was run, for stage files that do not say it themselves.

    Raises:
        UsageError: no such engine, or no model.
        UnusableInput, UnsupportedModel, NotComparable, OracleAbsent, OracleError: see the engines.
    """
    if isinstance(spec, str):
        spec = parse_engine(spec)
    file = open_model(model) if isinstance(model, Path) else model
    if spec.kind == "dir":
        return Recorded(Path(spec.detail), file, tokens)
    if file is None:
        raise UsageError(f"{spec.text} needs a model to run", hint="give a MODEL; only dir: does without")
    seconds = TIMEOUT if timeout is None else timeout
    if spec.kind == "cmd":
        return External(parse_template(spec.detail), file, seconds)
    if spec.kind == "llama.cpp":
        provider = provider_at(Path(spec.detail)) if spec.detail else None
        return stack.enter_context(LlamaCpp(file, provider, seconds))
    arithmetic = ARITHMETICS[spec.detail]
    if spec.kind == "transformers":
        from apr.engines.transformers.engine import Transformers  # noqa: PLC0415 - loads torch, where it is installed

        return Transformers(file, arithmetic)
    return Reference(file, arithmetic, load(file, arithmetic, ProvedDequantiser(file)))


def _arithmetic(text: str, kind: str, name: str) -> str:
    """An arithmetic that a kind of engine has.

    Raises:
        UsageError: it has no such arithmetic.
    """
    known = tuple(ARITHMETICS) if kind == "numpy" else (F32.name, F64.name)
    if name in known:
        return name
    near = difflib.get_close_matches(name.lower(), known, 1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"{kind} has no arithmetic {name!r}", where=text, hint=f"{guess}it has {', '.join(known)}")
