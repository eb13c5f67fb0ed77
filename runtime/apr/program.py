"""What the command lines here have in common: a command is found and run, and what it raises becomes one message and an exit code.

Exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug of ours, 130 interrupted, 141 the reader of a pipe
went away, 143 terminated. A command's module is imported only when that command is asked for, so that `--help`
does not wait for numpy.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import io
import keyword
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from apr import __version__
from apr.console import escape
from apr.errors import BUG, OK, USAGE, AprError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType, ModuleType

# third-party packages of the extras, and in which of them each is; a core installation lacks them
_CCPA_PACKAGES = frozenset({"fastjsonschema"})
_DISTRIBUTED_PACKAGES = frozenset({"dask", "distributed", "fsspec"})
_RUNTIME_PACKAGES = frozenset(
    {
        "filelock",
        "gguf",
        "httpx2",
        "huggingface_hub",
        "jinja2",
        "msgpack",
        "numpy",
        "platformdirs",
        "rich",
        "safetensors",
        "tokenizers",
    }
)
_INTERRUPTED, _BROKEN_PIPE, _TERMINATED = 130, 141, 143  # 128 + the signal's number, as shells count


class _Terminated(BaseException):
    """SIGTERM, raised so that context managers can clear away what is half done."""


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses with one message, like everything else here.

    Attributes:
        intermixed: options may stand between positional arguments of which some are optional.
    """

    intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As `argparse` does it, twice over where positional arguments are intermixed with options."""
        if not self.intermixed or "--" in (
            args or ()
        ):  # argparse loses what stands behind `--` when it goes over it twice
            return super().parse_known_args(args, namespace)
        self.intermixed = False  # what follows comes back here
        return self.parse_known_intermixed_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would have printed above its usage.

        Raises:
            UsageError: always.
        """
        raise UsageError(message, hint=f"see `{self.prog} --help`")


@dataclass(frozen=True)
class Program:
    """A program of several commands.

    Attributes:
        name: as it is typed.
        description: in one sentence.
        commands: name -> what it does, in one line. Its module is `<package>.<name>` (`import_` for `import`, as Python has the word for
            itself) and offers `add_arguments(parser)` and `run(args) -> int`.
        package: where the commands are.
    """

    name: str
    description: str
    commands: Mapping[str, str]
    package: str

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Runs one command.

        Args:
            argv: the arguments without the program's name; None takes them from the process.

        Returns:
            The exit code, see the head of this module.
        """
        _open_what_was_closed()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(
                    errors="backslashreplace"
                )  # a terminal that cannot show a character is no reason to fail
        try:
            return self._run(sys.argv[1:] if argv is None else argv)
        except KeyboardInterrupt:
            return _INTERRUPTED
        except _Terminated:
            return _TERMINATED
        except BrokenPipeError:
            return _abandon_pipe()
        except OSError as error:
            return self._bug() if error.errno is None else self._environment(error)
        except Exception:  # noqa: BLE001 - the last resort: whatever got here is a bug of ours, and says so
            return self._bug()

    def _run(self, argv: Sequence[str]) -> int:
        """Runs one command; refusals become their message and exit code."""
        try:
            with _clean_termination():
                code = self._dispatch(argv)
                sys.stdout.flush()
        except AprError as error:
            code = self._refuse(error)
        except SystemExit as left:  # argparse leaves by it after --help and --version
            code = left.code if isinstance(left.code, int) else OK if left.code is None else USAGE
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _RUNTIME_PACKAGES | _CCPA_PACKAGES | _DISTRIBUTED_PACKAGES:
                raise
            extra = "ccpa" if package in _CCPA_PACKAGES else "runtime"
            extra = "distributed" if package in _DISTRIBUTED_PACKAGES else extra
            code = self._refuse(
                AprError(f"the package {error.name} is not installed", hint=f"pip install 'pv-falsify[{extra}]'")
            )
        return code

    def _dispatch(self, argv: Sequence[str]) -> int:
        if sys.stdout is None:
            raise UsageError("standard output is closed")
        wanted = self._wanted_command(argv)
        parser, chosen = self._parser(wanted)
        if wanted is None or chosen is None:
            parser.parse_args(argv)  # leaves by --help or --version, or refuses an unknown option
            raise UsageError("no command given", hint=f"commands: {', '.join(self.commands)}; see `{self.name} --help`")
        # BLAS splits a sum among its threads; with one, the same command writes the same bytes whatever else the machine has
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        module = self._complete(wanted, chosen)
        chosen.set_defaults(command_line=(self.name, *argv))
        code: int = module.run(parser.parse_args(argv))
        return code

    def parser_of(self, command: str) -> Parser:
        """The parser of one command with all its arguments; its module is imported.

        Raises:
            KeyError: there is no such command.
        """
        _, chosen = self._parser(command)
        if chosen is None:
            raise KeyError(command)
        self._complete(command, chosen)
        return chosen

    def _complete(self, command: str, parser: Parser) -> ModuleType:
        """Gives a command's parser its arguments; the help of each says how it ends."""
        module = importlib.import_module(f"{self.package}.{command}{'_' if keyword.iskeyword(command) else ''}")
        module.add_arguments(parser)
        said = parser.epilog or ""
        if "xit code" not in said:
            codes = f"Exit codes: 0 ok, 2 usage or unusable input, 3 a bug of {self.name}."
            parser.epilog = f"{said}\n\n{codes}" if said else codes
        return module

    def _wanted_command(self, argv: Sequence[str]) -> str | None:
        """The first argument that is no option, if it names a command.

        Raises:
            UsageError: it names none; the message offers the nearest.
        """
        word = next((arg for arg in argv if not arg.startswith("-")), None)
        if word is None or word in self.commands:
            return word
        near = difflib.get_close_matches(word, self.commands, 1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"unknown command {word!r}", hint=f"{guess}commands: {', '.join(self.commands)}")

    def _parser(self, wanted: str | None) -> tuple[Parser, Parser | None]:
        """The whole parser, and that of the wanted command, which alone has its arguments."""
        parser = Parser(
            prog=self.name,
            description=self.description,
            epilog=f"Exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug of {self.name}.",
            allow_abbrev=False,
        )
        parser.add_argument("--version", action="version", version=f"{self.name} {__version__}")
        commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
        chosen = None
        for name, summary in self.commands.items():
            command = commands.add_parser(
                name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
            )
            if name == wanted:
                chosen = command
        return parser, chosen

    def _refuse(self, error: AprError) -> int:
        sys.stderr.write(f"{self.name}: error: {escape(str(error))}\n")
        return error.exit_code

    def _environment(self, error: OSError) -> int:
        """What the system refuses is no bug of ours: a full disk, a folder that may not be searched, too long a name."""
        if error.filename is None:
            _abandon_pipe()  # most likely standard output, whose last flush would fail again
        where = "input or output" if error.filename is None else os.fsdecode(error.filename)
        return self._refuse(AprError(f"cannot be used: {error.strerror or error}", where=where))

    def _bug(self) -> int:
        traceback.print_exc()
        sys.stderr.write(
            f"{self.name}: internal error: this is a bug in {self.name}, not in your input;"
            " please report it with the lines above\n"
        )
        return BUG


def _open_what_was_closed() -> None:
    """Lets no file of ours get the number of a standard stream that was closed: children would take it for theirs.

    `sys.stdin` and `sys.stdout` stay None, so whoever needs them can say so. Nobody reads a closed standard error: messages go nowhere.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


@contextlib.contextmanager
def _clean_termination() -> Iterator[None]:
    """Lets SIGTERM unwind the program instead of ending it on the spot."""

    def terminate(_signal: int, _frame: FrameType | None) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _abandon_pipe() -> int:
    """Points standard output at nothing, so that the interpreter's last flush does not fail too."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return _BROKEN_PIPE
