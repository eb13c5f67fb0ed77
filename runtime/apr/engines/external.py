"""Any program that writes stage files, as an engine: `cmd:TEMPLATE`."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from apr.capture import Array, Capture, Provenance
from apr.console import escape, is_terminal
from apr.engines.base import TIMEOUT, check_tokens
from apr.engines.recorded import UNKNOWN, checked, shaped
from apr.errors import AprError, NotComparable, OracleError, UnusableInput, UsageError
from apr.formats.aprt import SIDECAR_NAME, read_capture
from apr.models import load
from apr.ops.arithmetic import F32
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from apr.formats.model_file import ModelFile

PLACEHOLDERS = ("model", "tokens", "stages", "out")
ALL = "all"
_HEAD = StageKey("lm_head", None)
# `{{` and `}}` stand for braces
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_LAST_LINES = 5  # of a program's stderr that a message quotes
_LAST_BYTES = 4096


@dataclass(frozen=True)
class Template:
    """How a program is called.

    Attributes:
        text: as typed.
        words: of the command line, placeholders still in them.
        asks: the placeholders that occur.
    """

    text: str
    words: tuple[str, ...]
    asks: frozenset[str]

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return Path(self.words[0]).name

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """The argument vector. Words are cut before they are filled, so whatever a value holds stays one argument."""

        def put(match: re.Match[str]) -> str:
            return values[match[1]] if match[1] is not None else match[0][0]

        return [_BRACES.sub(put, word) for word in self.words]


def parse_template(text: str) -> Template:
    """Cuts a command line into words as a shell does, and checks its placeholders; no shell ever sees it.

    Raises:
        UsageError: no program, quotes without an end, an unknown placeholder, or no `{out}`.
    """
    where, known = f"cmd:{text}", ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"cannot be cut into words: {error}", where=where) from error
    if not words:
        raise UsageError("names no program", where=where, hint=f"write cmd:PROGRAM …, with {known}")
    asks = [match[1] for word in words for match in _BRACES.finditer(word) if match[1] is not None]
    for name in asks:
        if name not in PLACEHOLDERS:
            near = difflib.get_close_matches(name, PLACEHOLDERS, 1)
            guess = f"did you mean {{{near[0]}}}? " if near else ""
            raise UsageError(
                f"unknown placeholder {{{name}}}",
                where=where,
                hint=f"{guess}there are {known}; braces are written {{{{ and }}}}",
            )
    if "out" not in asks:
        raise UsageError(
            "has no {out}, so the program cannot know where its stage files are expected",
            where=where,
            hint=f"there are {known}",
        )
    return Template(text, tuple(words), frozenset(asks))


class External:
    """A program that is run once for each request and leaves stage files in `{out}`.

    `{model}` is the model file's absolute path, `{tokens}` ids with commas between them, `{stages}` `all` or stage names with
    commas between them, `{out}` an empty folder. What the program says in `capture.json` (`apr.formats.aprt.Sidecar`) is its
    declaration: engine, build, arithmetic, tokens, positions, hashes. A program that writes none ran what it was told, under its
    own name, in an arithmetic nobody knows.

    Args:
        template: the command line.
        file: the model.
        timeout: seconds a run may take.

    Raises:
        UnsupportedModel, UnusableInput: see `apr.models.load`.
    """

    def __init__(self, template: Template, file: ModelFile, timeout: float = TIMEOUT) -> None:
        self._template, self._file, self._timeout = template, file, timeout
        self._model = load(file, F32)  # for the stages and widths to expect; no weight of it is decoded
        self._declared: Provenance | None = None

    @property
    def name(self) -> str:
        """As the program called itself in its last run; before one, and where it says nothing, the program's name."""
        return self._declared.engine if self._declared else self._template.program

    @property
    def build(self) -> str:
        """As the program said in its last run; `unknown` before one, and where it says nothing."""
        return self._declared.build if self._declared else UNKNOWN

    @property
    def arithmetic(self) -> str:
        """As the program said in its last run; `unknown` before one, and where it says nothing."""
        return self._declared.arithmetic if self._declared else UNKNOWN

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        """What is known of a run over these tokens before it is made; a capture carries what the program then declared."""
        return Provenance(
            engine=self.name,
            build=self.build,
            arithmetic=self.arithmetic,
            architecture=self._file.architecture,
            model_sha256=self._file.sha256,
            tokens=tuple(tokens),
            positions=tuple(range(len(tokens))),
            weights_sha256=self._file.weights_sha256,
        )

    def logits(self, tokens: Sequence[int]) -> Array:
        """[positions, vocabulary] of a run that is asked for `lm_head` alone.

        Raises:
            OracleError, UnusableInput: see `capture`; or it wrote no logits of every position.
        """
        capture = self.capture(tokens, (_HEAD,))
        head = capture.stages.get(_HEAD)
        if head is None or len(head) != len(tokens):
            seen = "none" if head is None else f"those of {len(head)} positions"
            raise OracleError(f"wrote not the logits of {len(tokens)} positions but {seen}", where=self._where)
        return head

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """Each stage that the program wrote, in forward order; the run is over before the first one comes."""
        stages = self.capture(tokens, wanted).stages
        return ((key, array) for key, array in stages.items() if wanted is None or key in wanted)

    def capture(self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None) -> Capture:
        """The stages that the program wrote, memory-mapped; nothing stands in for those that it did not.

        Raises:
            UsageError: no tokens, ids outside the vocabulary, or a program that is not there.
            OracleError: it failed, took too long, or wrote nothing.
            UnusableInput: what it wrote is broken.
            NotComparable: it declares positions that are not those of a run from an empty context.
        """
        config = self._model.config
        check_tokens(tokens, config.vocabulary, config.context)
        names = None if wanted is None else {key.stage for key in wanted}
        with tempfile.TemporaryDirectory(prefix="apr-external-", ignore_cleanup_errors=True) as folder:
            out = Path(folder) / "stages"
            out.mkdir()
            asked = {
                "model": str(self._file.path.absolute()),
                "tokens": ",".join(map(str, tokens)),
                "stages": ALL if names is None else ",".join(name for name in self._model.stages if name in names),
                "out": str(out),
            }
            last_words = self._run(self._template.filled(asked), len(tokens))
            # the files are mapped before the folder goes: their pages stay until the arrays do
            return self._read(out, tokens, last_words)

    @property
    def _where(self) -> str:
        return f"cmd:{self._template.text}"

    def _read(self, out: Path, tokens: Sequence[int], last_words: str | None) -> Capture:
        if not any(path.suffix == ".bin" for path in out.rglob("*")):
            raise OracleError("ended well but wrote no stage file into {out}", where=self._where, hint=last_words)
        try:
            files = read_capture(out)
            if files.provenance is None:
                self._declared = None
                return Capture(self._undeclared(tokens), shaped(files, self._model.width))
            declared = checked(files.provenance, out, self._model.config)
            stages = shaped(files, None)
        except (UnusableInput, NotComparable) as error:
            broken = (error.where or "").replace(f"{out}/", "{out}/")
            refusal = NotComparable if isinstance(error, NotComparable) else UnusableInput
            raise refusal(f"{broken} {error.problem}", where=self._where, hint=error.hint) from error
        self._declared = declared
        return Capture(declared, stages)

    def _undeclared(self, tokens: Sequence[int]) -> Provenance:
        """Of a program that says nothing: it ran what it was told to.

        Raises:
            OracleError: it was not told.
        """
        untold = [f"{{{name}}}" for name in ("model", "tokens") if name not in self._template.asks]
        if untold:
            raise OracleError(
                f"was not told {' and '.join(untold)} and wrote no {SIDECAR_NAME}, so nothing says what it ran",
                where=self._where,
                hint=f"put {' and '.join(untold)} into the command, or have the program write {SIDECAR_NAME}",
            )
        return self.provenance(tokens)

    def _run(self, command: list[str], count: int) -> str | None:
        """Runs the program in a process group of its own, of which nothing is left afterwards: the last lines it said.

        Raises:
            UsageError: it cannot be started.
            OracleError: it failed or took too long.
        """
        if is_terminal(sys.stderr):
            sys.stderr.write(f"running {count} tokens in {escape(self._template.program)} …\n")
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _cannot_start(command[0], self._where, error) from error
        said = _LastLines(process.stderr)
        try:
            code = process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end_group(process)
        last_words = said.finish()
        if code is None:
            raise OracleError(f"was ended: no result in {self._timeout:g} s", where=self._where, hint=last_words)
        if code:
            how = f"crashed ({_signal_name(-code)})" if code < 0 else f"ended with exit code {code}"
            raise OracleError(how, where=self._where, hint=last_words or "it said nothing on its standard error")
        return last_words


class _LastLines:
    """Reads a pipe to its end in a thread, and keeps the last of it."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            raise ValueError("there is no pipe")
        self._pipe = pipe
        self._kept: deque[bytes] = deque()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        size = 0
        with self._pipe:
            while piece := os.read(self._pipe.fileno(), _LAST_BYTES):
                self._kept.append(piece)
                size += len(piece)
                while size - len(self._kept[0]) >= _LAST_BYTES:
                    size -= len(self._kept.popleft())

    def finish(self) -> str | None:
        """The last lines; None where nothing was said."""
        self._thread.join(1)  # a process that left the group may hold the pipe open for ever
        text = b"".join(list(self._kept))[-_LAST_BYTES:].decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return "it said: " + " | ".join(lines[-_LAST_LINES:]) if lines else None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and everything it started; its process group has its own id."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone; macOS says so by refusing
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"


def _cannot_start(program: str, where: str, error: OSError | ValueError) -> AprError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UsageError(f"{program!r} cannot be started: {reason}", where=where, hint="give a program that can be run")
