"""`apr code`: lets a model work in a folder with tools, and writes down what it did."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.agent.emission import Emission
from apr.agent.events import Answered, Ran
from apr.agent.hooks import Hooks
from apr.agent.loop import Session
from apr.agent.messages import CallIds
from apr.agent.skills import used
from apr.agent.tools import NAMES, Toolbox
from apr.commands.choosing import add_sampling, at_least_one, prompt_of, sampling_of
from apr.commands.showing import Display
from apr.console import escape
from apr.errors import FINDINGS, OK, AprError, UsageError

if TYPE_CHECKING:
    import argparse

    from apr.agent.drivers.local import Local
    from apr.agent.drivers.recorded import Recorded
    from apr.agent.events import Event, Observer
    from apr.agent.loop import Ending

SCHEMA = "apr-code-v1"
_TURNS, _TOKENS = 16, 1024  # where nothing is asked for
_PROMPT_BYTES = 8 << 20  # more than any model takes in, and less than a record of a trace may have
_MODEL_OPTIONS = ("model", "engine", "max_tokens", "temperature", "top_k", "top_p", "min_p", "seed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.epilog = (
        "Exit codes: 0 the model came to an end, 1 it did not (turns, tokens or a refusal), 2 usage or unusable input, "
        "3 a bug of apr."
    )
    parser.add_argument(
        "-p", "--prompt", metavar="PROMPT", required=True, help="what to do; `-` reads it from standard input"
    )
    parser.add_argument("--cwd", metavar="DIR", default=".", help="the folder to work in; default: this one")
    parser.add_argument("--max-turns", metavar="N", default=str(_TURNS), help=f"of the model; default: {_TURNS}")
    tools = parser.add_argument_group("tools")
    tools.add_argument(
        "--tools",
        metavar="NAMES",
        help=f"some of {','.join(NAMES)}, or `none`; default: all but Bash, where the model's chat template has a place for them",
    )
    tools.add_argument("--allow-bash", action="store_true", help="let the model run commands; no folder confines these")
    tools.add_argument(
        "--hooks", metavar="FILE", help="commands of yours that run when something happens, as TOML or JSON"
    )
    model = parser.add_argument_group("what answers")
    model.add_argument(
        "--model", metavar="MODEL", help="a model file, folder or alias; default: what `apr find` prints"
    )
    model.add_argument(
        "--engine", choices=("llama.cpp", "numpy"), help="default: llama.cpp where it is installed, else numpy"
    )
    model.add_argument("--max-tokens", metavar="N", help=f"new tokens a turn; default: {_TOKENS}")
    model.add_argument(
        "--answers-from",
        metavar="TRACE",
        help="ask no model: give the answers of a recorded trace; the tools really run",
    )
    add_sampling(parser)
    out = parser.add_argument_group("what is written")
    out.add_argument("--emit-trace", metavar="PATH", help="write down what happened, as an action trace")
    out.add_argument(
        "--json", action="store_true", help=f"print one JSON object, schema {SCHEMA}, instead of the answer"
    )


class Calls:
    """An observer that remembers calls for `--json`."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.stops: list[str] = []

    def __call__(self, event: Event) -> None:
        """Remembers an event."""
        if isinstance(event, Answered):
            self.stops.append(event.turn.stop_reason)
            self.made += [
                {"turn": event.number, "id": call.id, "name": call.name, "ok": None} for call in event.turn.calls
            ]
        elif isinstance(event, Ran):
            next(call for call in self.made if call["id"] == event.call.id)["ok"] = event.ok


def run(args: argparse.Namespace) -> int:
    """Runs the command.

    Raises:
        AprError: the session could not be begun, or did not come to its end, or its trace could not be written.
    """
    turns = at_least_one(args.max_turns, "--max-turns", "a number of turns")
    root = Path(args.cwd)
    names = _tool_names(args)
    if args.answers_from is not None:
        _refuse_model_options(args)
    prompt = _prompt(args)
    display, calls = Display.for_output(as_json=args.json), Calls()
    with contextlib.ExitStack() as stack:
        toolbox = stack.enter_context(contextlib.closing(Toolbox(root, names, args.allow_bash)))
        hooks = Hooks() if args.hooks is None else Hooks.of(Path(args.hooks), root)
        skill, note = used(prompt, root)
        if note:
            sys.stderr.write(f"note: {escape(note)}\n")
        emission = _emission(args.emit_trace, root, stack) if args.emit_trace is not None else None
        ids = CallIds()
        driver: Local | Recorded
        if args.answers_from is not None:
            driver = _recorded(args.answers_from, ids)
        else:
            driver = _local(args, toolbox, ids, display, stack)
        observers: list[Observer] = [*([] if emission is None else [emission]), calls, display]
        session = Session(driver, toolbox, observers, turns, hooks, skill)
        problem: AprError | None = None
        try:
            ending = session.run(prompt)
        except AprError as error:
            problem, ending = error, session.so_far(error.problem)
        finally:
            if emission is not None and emission.failure is not None and problem is not emission.failure:
                sys.stderr.write(f"note: there is no trace: {escape(str(emission.failure))}\n")
    if args.json:
        print(json.dumps(_as_json(ending, calls, driver, emission, args.emit_trace), allow_nan=False))
    else:
        display.last(ending.text)
    sys.stdout.flush()
    return _concluded(ending, problem, driver, emission, args.emit_trace)


def _concluded(
    ending: Ending,
    problem: AprError | None,
    driver: Local | Recorded,
    emission: Emission | None,
    trace: str | None,
) -> int:
    """Says how it ended.

    Raises:
        AprError: not well.
    """
    from apr.agent.drivers.recorded import Recorded  # noqa: PLC0415 - reads traces, which not every run needs

    if not ending.problem and isinstance(driver, Recorded):
        sys.stderr.write(f"consumed all {driver.count} recorded turns\n")
    if ending.stop_reason == "max_tokens":
        sys.stderr.write("note: the answer was cut off by --max-tokens or the end of the model's context\n")
    if emission is not None and emission.landed:
        sys.stderr.write(f"traced to {escape(str(trace))}\n")
    if problem is not None:
        raise problem
    if emission is not None and emission.failure is not None:
        raise emission.failure
    if ending.problem:
        raise Unfinished(ending.problem)
    return OK


class Unfinished(AprError):
    """The model did not come to an end."""

    exit_code = FINDINGS


def _tool_names(args: argparse.Namespace) -> list[str]:
    if args.tools is None:
        return [name for name in NAMES if name != "Bash" or args.allow_bash]
    names = [] if args.tools.strip() == "none" else [name.strip() for name in args.tools.split(",")]
    if "Bash" in names and not args.allow_bash:
        raise UsageError("Bash can do whatever you can", where="--tools", hint="allow it with --allow-bash")
    return names


def _refuse_model_options(args: argparse.Namespace) -> None:
    given = [name for name in _MODEL_OPTIONS if getattr(args, name) is not None]
    if given or args.greedy:
        option = given[0].replace("_", "-") if given else "greedy"
        raise UsageError("no model is asked with --answers-from", where=f"--{option}", hint="leave it out")


def _prompt(args: argparse.Namespace) -> str:
    prompt = prompt_of(args.prompt, "-p")
    if not prompt.strip():
        raise UsageError("the prompt is empty", where="-p")
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the prompt is no valid Unicode: {error.reason} at character {error.start}") from error
    if len(json.dumps(prompt, ensure_ascii=False).encode()) > _PROMPT_BYTES:
        raise UsageError(f"the prompt has more than {_PROMPT_BYTES:,} bytes", where="-p")
    return prompt


def _emission(path: str, root: Path, stack: contextlib.ExitStack) -> Emission:
    """What writes the trace; the place is checked before any work."""
    from apr.actions.identity import milliseconds, now, uuid7  # noqa: PLC0415 - not every run is traced
    from apr.actions.tree import EXCLUDED, snapshot, tree_sha256  # noqa: PLC0415 - not every run is traced
    from apr.actions.writing import TraceWriter  # noqa: PLC0415 - not every run is traced

    own = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
    excluded = EXCLUDED if own.startswith("..") else (*EXCLUDED, f"/{own}")
    before = tree_sha256(snapshot(root, excluded))
    writer = stack.enter_context(TraceWriter(Path(path)))
    return Emission(writer, uuid7(milliseconds(now())), before)


def _recorded(path: str, ids: CallIds) -> Recorded:
    from apr.actions.reading import read_trace  # noqa: PLC0415 - not every run reads one
    from apr.agent.drivers.recorded import Recorded  # noqa: PLC0415 - not every run reads one

    return Recorded(read_trace(Path(path)), path, ids)


def _local(
    args: argparse.Namespace, toolbox: Toolbox, ids: CallIds, display: Display, stack: contextlib.ExitStack
) -> Local:
    from apr.agent.chat import Chat, Way  # noqa: PLC0415 - a recording needs no chat
    from apr.agent.drivers.local import Local, engine_for  # noqa: PLC0415 - numpy
    from apr.discovery import choose  # noqa: PLC0415 - a recording needs no model
    from apr.formats import open_model  # noqa: PLC0415 - a recording needs no model
    from apr.text.tokenizer import Tokenizer  # noqa: PLC0415 - a recording needs no model

    limit = at_least_one(args.max_tokens or str(_TOKENS), "--max-tokens", "a number of tokens")
    sampling = sampling_of(args)
    choice = choose(model_path=args.model)
    file = open_model(choice.path)
    if args.model is None:
        sys.stderr.write(f"note: the model is {escape(str(choice.path))}\n")
    tokenizer = Tokenizer.from_file(file)
    way = Way.of(file, wanted=bool(toolbox.names), named=args.tools is not None)
    for note in (*tokenizer.special.notes, *([way.note] if way.note else [])):
        sys.stderr.write(f"note: {escape(note)}\n")
    chat = Chat(way, toolbox.schemas(), ids)
    engine = engine_for(file, args.engine)
    return Local(file, tokenizer, chat, engine, sampling, limit, stack, display.show)


def _as_json(
    ending: Ending, calls: Calls, driver: Local | Recorded, emission: Emission | None, path: str | None
) -> dict[str, Any]:
    trace = None
    if emission is not None and path is not None and emission.landed:
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        trace = {"path": path, "sha256": digest, "session_id": emission.session_id}
    return {
        "schema": SCHEMA,
        "model": driver.model,
        "text": ending.text,
        "stop": ending.stop_reason,
        "problem": ending.problem or None,
        "turns": ending.turns,
        "stops": calls.stops,
        "tool_calls": calls.made,
        "tokens": {"in": ending.tokens_in, "out": ending.tokens_out},
        "trace": trace,
    }
