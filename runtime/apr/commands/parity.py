"""`apr parity SUBJECT --against ORACLE MODEL`: two engines over the same tokens, and the first place where they part."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apr.commands import prompts as given
from apr.commands import replay as replaying
from apr.commands.prompts import DEFAULT_PROMPT, Prompts
from apr.console import Progress, is_terminal
from apr.errors import FINDINGS, OK, UsageError
from apr.parity.ranges import RATE
from apr.stages import canonical, parse_layers, parse_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile
    from apr.parity.executors.base import Executor
    from apr.parity.measure import Filters
    from apr.parity.result import Divergence, Gate, Measurement, Verdict
    from apr.parity.sides import Judge, Side
    from apr.parity.verdict import Bounds

_EPILOG = """\
SUBJECT and ORACLE are one of
  numpy:f64|f32|ggml|exact   this project's reference, in one of its arithmetics
  llama.cpp[:LIB]            llama.cpp, from an installed package or from a libllama.so
  transformers               Hugging Face transformers over the same weights
  dir:STAGE_DIR              stage files that somebody wrote
  cmd:TEMPLATE               any program that writes stage files; {model} {tokens} {stages} {out} are filled in

Exit codes: 0 the sides agree, 1 they part, must not be compared, or something is missing, 2 unusable input, 3 a bug."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.intermixed = True  # type: ignore[attr-defined] # of apr.program.Parser
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Run two engines over the same tokens and compare them stage by stage, each stage fed the other side's own\n"
        "inputs; name the first stage, layer and position where they part, what kind of error it is, and whose."
    )
    parser.epilog = _EPILOG
    parser.add_argument("subject", nargs="?", metavar="SUBJECT", help="the engine under judgement")
    parser.add_argument("--against", metavar="ORACLE", help="the engine it is held against")
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a .gguf or .apr file, a safetensors folder, or an alias"
    )
    parser.add_argument("--oracle-model", metavar="MODEL", help="the oracle's file, where it is another one")
    what = parser.add_argument_group("what to run")
    prompt = what.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", metavar="TEXT", help=f"default: {DEFAULT_PROMPT!r}")
    prompt.add_argument("--tokens", metavar="IDS", help="token ids separated by commas or blanks, instead of a prompt")
    prompt.add_argument("--prompts", metavar="FILE", help="one prompt a line; a line `[1, 2, 3]` is token ids")
    what.add_argument(
        "--timeout", type=_seconds, default=replaying.TIMEOUT, metavar="S", help="of each request to an engine (900)"
    )
    where = parser.add_argument_group("where to compare (default: here, one stage after the other)")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="a dask scheduler, tcp://HOST:PORT: its workers compare the stages"
    )
    where.add_argument(
        "--storage", metavar="URL", help="where captured stages go that all workers reach (a folder of the cache)"
    )
    where.add_argument(
        "--scheduler-timeout", type=_seconds, metavar="S", help="wait so long for the scheduler, and for a worker (60)"
    )
    which = parser.add_argument_group("what to compare (default: everything)")
    which.add_argument("--layers", metavar="A..B", help="layers A to B - 1")
    which.add_argument("--stages", metavar="NAMES", help="stage names separated by commas")
    which.add_argument("--positions", metavar="A..B", help="positions A to B - 1")
    how = parser.add_argument_group("how to judge")
    how.add_argument("--alpha", type=_alpha, metavar="P", help="false-alarm rate of the whole run (1e-6)")
    how.add_argument(
        "--bound",
        action="append",
        default=[],
        metavar="STAGE=X",
        help="relative RMS instead of the derived bound; with --from, `derived` drops those of the saved run",
    )
    how.add_argument("--because", metavar="TEXT", help="why a bound is set by hand; needed with --bound")
    how.add_argument("--no-shrink", action="store_true", help="do not look for the smallest run that shows it")
    show = parser.add_argument_group("what to show and keep")
    show.add_argument("--report", type=Path, metavar="FILE", help="write one self-contained HTML file")
    show.add_argument(
        "--json", action="store_true", help="JSON lines, schema apr-parity-v1; the last one is the verdict"
    )
    show.add_argument("--save", type=Path, metavar="DIR", help="keep the measurements, to be judged again")
    show.add_argument("--from", type=Path, dest="saved", metavar="DIR", help="judge saved measurements, run nothing")


def run(args: argparse.Namespace) -> int:
    """Measures, or reads what was measured, judges and shows.

    Raises:
        AprError: arguments, a model, an engine or saved measurements that cannot be used.
    """
    bounds = _bounds(args)
    filters = _filters(args)
    if args.saved is not None:
        return _again(args, bounds, filters)
    if args.subject is None or args.against is None:
        missing = "a subject" if args.subject is None else "an oracle"
        raise UsageError(
            f"{missing} is needed", hint="apr parity SUBJECT --against ORACLE MODEL; see `apr parity --help`"
        )
    _check_outputs(args)
    for name in ("storage", "scheduler_timeout"):
        if getattr(args, name) is not None and args.scheduler is None:
            raise UsageError(
                "goes with --scheduler alone", where=f"--{name.replace('_', '-')}", hint="give the scheduler's address"
            )
    with contextlib.ExitStack() as stack:
        return _measured(args, bounds, filters, stack)


def _seconds(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: 0 < value < math.inf)


def _alpha(text: str) -> float:
    return _number(text, f"a probability {RATE.words}", RATE.holds)


def _number(text: str, what: str, fits: object) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not callable(fits) or not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no {what.removeprefix('a ')}")
    return value


def _bounds(args: argparse.Namespace) -> Bounds:
    from apr.parity.null import ALPHA  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.parity.verdict import Bounds  # noqa: PLC0415 - see above

    by_hand: dict[str, float] = {}
    for text in args.bound:
        if text.strip().lower() == replaying.DERIVED:
            by_hand.clear()
            continue
        name, equals, value = text.partition("=")
        hint = "write STAGE=X, for example ffn_out=1e-5"
        if not equals:
            raise UsageError(f"{text!r} is no bound", where="--bound", hint=hint)
        stage = "all" if name.strip().lower() == "all" else canonical(name, "--bound")
        try:
            by_hand[stage] = _number(value, "a relative RMS from 0", lambda number: 0 <= number < math.inf)
        except argparse.ArgumentTypeError as error:
            raise UsageError(str(error), where="--bound", hint=hint) from None
    if by_hand and not (args.because or "").strip():
        raise UsageError(
            "a bound set by hand needs a reason",
            where="--bound",
            hint="say why with --because; it is kept in the report",
        )
    return Bounds(args.alpha or ALPHA, by_hand, args.because or "")


def _filters(args: argparse.Namespace) -> Filters:
    from apr.parity.measure import Filters  # noqa: PLC0415 - `--help` does not wait for numpy

    return Filters(
        stages=None if args.stages is None else parse_stages(args.stages, "--stages"),
        layers=None if args.layers is None else _range(args.layers, "--layers"),
        positions=None if args.positions is None else _range(args.positions, "--positions"),
    )


def _range(text: str, where: str) -> range:
    try:
        return parse_layers(text)
    except UsageError as error:
        raise UsageError(error.problem.replace("layer range", "range"), where=where, hint=error.hint) from None


def _check_outputs(args: argparse.Namespace) -> None:
    """What is to be written can be, before minutes are spent on it."""
    for path, option in ((args.report, "--report"), (args.save, "--save")):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}", where=option, hint="make it first")
    if args.report is not None and args.report.is_dir():
        raise UsageError(f"{args.report} is a folder", where="--report", hint="give a file's name")
    if args.save is not None and args.save.exists() and not args.save.is_dir():
        raise UsageError(f"{args.save} is a file", where="--save", hint="give a folder's name")


def _again(args: argparse.Namespace, bounds: Bounds, filters: Filters) -> int:
    """Judges what was saved: as it was judged then, but for what the options say."""
    from apr.parity.measure import narrowed  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.parity.records import read_all  # noqa: PLC0415 - see above
    from apr.parity.verdict import Bounds, judge  # noqa: PLC0415 - see above

    for name in (
        "subject",
        "against",
        "model",
        "oracle_model",
        "tokens",
        "prompt",
        "prompts",
        "save",
        "scheduler",
        "storage",
        "scheduler_timeout",
    ):
        if getattr(args, name) is not None:
            shown = name.upper() if name in ("subject", "model") else f"--{name.replace('_', '-')}"
            raise UsageError(f"{shown} does not go with --from", hint="saved measurements are judged, nothing is run")
    measurement, before = read_all(args.saved)
    measurement = narrowed(measurement, filters)
    then = Bounds(before.alpha, before.by_hand, before.because)
    now = bounds if args.bound else then
    now = replace(now, alpha=args.alpha or then.alpha, because=args.because or now.because)
    note = f"judged as it was when it was saved: {_strictness(now)}"
    if now != then:
        note = f"judged otherwise than when it was saved: {_strictness(now)}; then {_strictness(then)}"
    verdict = judge(measurement, now)
    verdict = replace(verdict, notes=(*verdict.notes, note))
    found = measurement.origin.replay if _same_place(before.first, verdict.first) else ""
    measurement.origin = replace(measurement.origin, replay=found)
    return _show(args, measurement, verdict, found or _judged_again(args, measurement.origin.command, now))


def _strictness(bounds: Bounds) -> str:
    stages = ", ".join(sorted(bounds.by_hand))
    return f"alpha {bounds.alpha!r}, {f'bounds set by hand for {stages}' if stages else 'derived bounds'}"


def _same_place(one: Divergence | None, other: Divergence | None) -> bool:
    if one is None or other is None:
        return False
    return (one.prompt, one.key, one.view) == (other.prompt, other.key, other.view)


def _judged_again(args: argparse.Namespace, command: Sequence[str], bounds: Bounds) -> str:
    """The command that measured, with the options that judge otherwise."""
    more = [word for name in ("layers", "stages") if (typed := getattr(args, name)) for word in (f"--{name}", typed)]
    if args.alpha is not None:
        more += ["--alpha", repr(args.alpha)]
    if args.bound:
        more += ["--bound", replaying.DERIVED, *replaying.by_hand(bounds.by_hand, bounds.because)]
    return replaying.whole(command, more)


def _measured(args: argparse.Namespace, bounds: Bounds, filters: Filters, stack: contextlib.ExitStack) -> int:
    """Runs both sides, judges, looks closer at what diverges, and shows it."""
    from apr.engines.recorded import Recorded  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.parity.explain import explain, look_closer  # noqa: PLC0415 - see above
    from apr.parity.gates import probe  # noqa: PLC0415 - see above
    from apr.parity.measure import capture, measure  # noqa: PLC0415 - see above
    from apr.parity.origin import origin  # noqa: PLC0415 - see above
    from apr.parity.verdict import judge  # noqa: PLC0415 - see above

    executor = stack.enter_context(_executor(args))  # first, so that nobody waits for what nobody will measure
    files = _files(args)
    asked = _prompts(args, files[0] or files[1])
    given.check(asked, files)
    _check_positions(filters, asked.tokens)
    subject, oracle = _sides(args, files, asked, stack)
    prompts = asked.tokens or [list(_recorded_tokens(subject, oracle))]
    _check_positions(filters, prompts)
    # of one prompt at a time: captures are large, and prompts may be many
    kept: dict[tuple[str, tuple[int, ...]], Capture] = {}

    def take(side: Side, tokens: Sequence[int], wanted: Filters) -> Capture:
        who, asked_for = "subject" if side is subject else "oracle", tuple(tokens)
        for other in [place for place in kept if place[1] != asked_for]:
            del kept[other]
        if (who, asked_for) not in kept:
            if is_terminal(sys.stderr):
                sys.stderr.write(f"running {len(tokens)} tokens in {side.spec} …\n")
            kept[who, asked_for] = capture(side, tokens, wanted)
        return kept[who, asked_for]

    def gates(side: Side, tokens: Sequence[int], captured: Capture) -> list[Gate]:
        who = "subject" if side is subject else "oracle"
        return probe(side.engine, tokens, captured, side=who)

    judge_of = subject.judge or oracle.judge
    keys = judge_of.model("f64").stage_keys() if judge_of is not None else []
    total = len(prompts) * sum(map(filters.wants, keys)) or None
    with Progress("comparing", total, unit="stages") as progress:
        measurement = measure(
            subject,
            oracle,
            prompts,
            filters,
            captures=take,
            probe=gates,
            look_closer=look_closer,
            advance=lambda _key: progress.advance(),
            executor=executor,
        )
    measurement.notes += executor.notes()
    for side in (subject, oracle):
        if isinstance(side.engine, Recorded):
            measurement.notes += side.engine.notes
    typed = {f"--{name}": getattr(args, name) for name in ("layers", "stages", "positions") if getattr(args, name)}
    measurement.origin = origin(args.command_line, measurement, filters=typed, texts=asked.texts, alpha=bounds.alpha)
    verdict = judge(measurement, bounds)
    if verdict.first is not None:
        tokens = prompts[verdict.first.prompt]
        explain(measurement, verdict, subject, oracle, lambda side: take(side, tokens, filters))
        verdict = judge(measurement, bounds)
        found = _smallest(args, subject, oracle, tokens, verdict, bounds, lambda side: take(side, tokens, filters))
        measurement.origin = replace(measurement.origin, replay=found)
    return _show(args, measurement, verdict, measurement.origin.replay or replaying.whole(args.command_line))


@contextlib.contextmanager
def _executor(args: argparse.Namespace) -> Iterator[Executor]:
    """Where stages are compared; what it opens is closed again.

    Raises:
        UsageError, AprError: see `apr.parity.executors.dask.Dask`.
    """
    if args.scheduler is None:
        from apr.parity.executors.local import Local  # noqa: PLC0415 - `--help` does not wait for numpy

        yield Local()
        return
    import tempfile  # noqa: PLC0415 - only where captures are laid down

    from apr.cache.place import cache_dir  # noqa: PLC0415 - see above
    from apr.parity.executors.dask import TIMEOUT, Dask  # noqa: PLC0415 - an extra

    with contextlib.ExitStack() as stack:
        storage = args.storage
        if storage is None:
            cache_dir().mkdir(parents=True, exist_ok=True)
            storage = stack.enter_context(tempfile.TemporaryDirectory(prefix="captures-", dir=cache_dir()))
        yield stack.enter_context(Dask(args.scheduler, storage, args.scheduler_timeout or TIMEOUT))


def _check_positions(filters: Filters, prompts: Sequence[Sequence[int]]) -> None:
    """Every position that is asked for is one of every prompt.

    Raises:
        UsageError: the first one that is not.
    """
    shortest = min(map(len, prompts), default=None)
    wanted = filters.positions
    if wanted is not None and shortest is not None and wanted.stop > shortest:
        raise UsageError(
            f"position {max(wanted.start, shortest)} does not exist",
            where="--positions",
            hint=f"the shortest prompt has positions 0 to {shortest - 1}",
        )


def _files(args: argparse.Namespace) -> tuple[ModelFile | None, ModelFile | None]:
    """The model file of each side; one and the same unless the oracle has its own."""
    from apr.cache import resolve_model  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.formats import open_model  # noqa: PLC0415 - see above

    mine = None if args.model is None else open_model(resolve_model(args.model))
    theirs = mine if args.oracle_model is None else open_model(resolve_model(args.oracle_model))
    return mine, theirs


def _prompts(args: argparse.Namespace, file: ModelFile | None) -> Prompts:
    """What to run; nothing where recorded stages are to say it.

    Raises:
        UsageError, UnusableInput: see `apr.commands.prompts`.
    """
    if args.tokens is not None:
        return given.from_tokens(args.tokens)
    if args.prompts is not None:
        return given.from_file(Path(args.prompts), file)
    recorded = any((spec or "").startswith("dir:") for spec in (args.subject, args.against))
    if args.prompt is None and recorded:
        return Prompts([])
    return given.from_text(DEFAULT_PROMPT if args.prompt is None else args.prompt, file)


def _sides(
    args: argparse.Namespace,
    files: tuple[ModelFile | None, ModelFile | None],
    asked: Prompts,
    stack: contextlib.ExitStack,
) -> tuple[Side, Side]:
    """Both engines, opened; the stack closes them."""
    from apr.engines.llama_cpp.dequantise import ProvedDequantiser  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.engines.llama_cpp.engine import LlamaCpp  # noqa: PLC0415 - see above
    from apr.engines.llama_cpp.exactness import check  # noqa: PLC0415 - see above
    from apr.engines.opening import open_engine  # noqa: PLC0415 - see above
    from apr.engines.reference import Reference  # noqa: PLC0415 - see above
    from apr.ops.arithmetic import EXACT  # noqa: PLC0415 - see above
    from apr.parity.sides import Judge, Side  # noqa: PLC0415 - see above

    judges: dict[int, Judge] = {}

    def judge_of(file: ModelFile | None) -> Judge | None:
        if file is None:
            return None
        if id(file) not in judges:
            judges[id(file)] = Judge(file, ProvedDequantiser(file))
        return judges[id(file)]

    def opened(spec: str, file: ModelFile | None) -> Side:
        judge = judge_of(file)
        tokens = asked.tokens[0] if asked.tokens else None
        engine = open_engine(spec, file, stack=stack, timeout=args.timeout, tokens=tokens)
        stock = isinstance(engine, Reference)
        if isinstance(engine, Reference) and judge is not None:
            engine.model = judge.model(engine.model.arithmetic.name)  # one copy of the decoded weights is enough
        return Side(spec, engine, judge, stock=stock)

    subject, oracle = opened(args.subject, files[0]), opened(args.against, files[1])
    for one, other in ((subject, oracle), (oracle, subject)):
        if one.engine.arithmetic == EXACT.name and isinstance(other.engine, LlamaCpp):
            # another build adds in another order; nothing could be concluded from bits that differ then
            check(other.engine.provider)
    return subject, oracle


def _recorded_tokens(subject: Side, oracle: Side) -> tuple[int, ...]:
    """The tokens of recorded stages, the subject's first."""
    from apr.engines.recorded import Recorded  # noqa: PLC0415 - `--help` does not wait for numpy

    return next(side.engine.tokens for side in (subject, oracle) if isinstance(side.engine, Recorded))


def _smallest(
    args: argparse.Namespace,
    subject: Side,
    oracle: Side,
    tokens: Sequence[int],
    verdict: Verdict,
    bounds: Bounds,
    captured: Callable[[Side], Capture],
) -> str:
    """The command that shows the first divergence again in the smallest run found; "" where none was looked for or found."""
    from apr.engines.recorded import Recorded  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.parity.shrink import shrink  # noqa: PLC0415 - see above

    recorded = any(isinstance(side.engine, Recorded) for side in (subject, oracle))
    if args.no_shrink or recorded or verdict.first is None:
        return ""
    with Progress("looking for the smallest run that shows it", unit="runs") as progress:
        found = shrink(subject, oracle, tokens, verdict.first, bounds, captured=captured, advance=progress.advance)
    return "" if found is None else replaying.smallest(args, found, bounds)


def _save(folder: Path, measurement: Measurement, verdict: Verdict) -> None:
    """Writes the measurements; the file appears whole or not at all."""
    from apr.formats.files import replacing  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.parity.records import FILE_NAME, write  # noqa: PLC0415 - see above

    folder.mkdir(exist_ok=True)
    with replacing(folder / FILE_NAME) as temporary, temporary.open("w", encoding="utf-8") as file:
        write(measurement, verdict, file)


def _show(args: argparse.Namespace, measurement: Measurement, verdict: Verdict, replay: str) -> int:
    """Writes what was asked for; the answer is the exit code as well."""
    from apr.parity import records  # noqa: PLC0415 - `--help` does not wait for numpy
    from apr.parity.card import print_card  # noqa: PLC0415 - see above

    if args.save is not None:
        _save(args.save, measurement, verdict)
    if args.report is not None:
        from apr.parity.html import write_report  # noqa: PLC0415 - only who asks for it waits for it

        write_report(args.report, measurement, verdict, replay)
    if args.json:
        records.write(measurement, verdict, sys.stdout)
    else:
        print_card(measurement, verdict, replay)
    return OK if verdict.outcome == "agrees" else FINDINGS
