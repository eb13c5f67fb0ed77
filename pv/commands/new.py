"""`pv new`: a contract to be filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pv.config import find_config
from pv.corpus import SUFFIXES, display, walk
from pv.report.console import emit, escape
from pv.report.files import write
from pv.scaffold.contract import KINDS, is_name, modeline, skeleton
from pv.scaffold.kernel import steps
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    import argparse

    from pv.config import Config
    from pv.scaffold.project import Step

_VALID = timedelta(days=90)  # what a comparison with somebody else's program may call itself fresh for, to begin with


def run(arguments: argparse.Namespace) -> int:
    """Write the skeleton of a contract into the project's folder of contracts, or to the path given.

    Raises:
        UsageProblem: the name or the kind is none, a contract of that name is there, or the file cannot be written.
    """
    if arguments.kind not in KINDS:
        fix = did_you_mean(arguments.kind, KINDS) or f"the kinds are {', '.join(KINDS)}"
        raise UsageProblem(f"{escape(arguments.kind)!r} is no kind of contract; {fix}")
    config = find_config(Path.cwd())
    file = _file(arguments.name, config)
    _refuse_what_is_there(file, config, force=arguments.force)
    today = datetime.now(UTC).date()
    if arguments.template:
        if arguments.kind != "kernel":
            raise UsageProblem(f"--template {arguments.template} is a contract of kind kernel; leave --kind out")
        return _whole(list(steps(config, file, arguments.description, today.isoformat())), file, config)
    text = skeleton(file.stem, arguments.kind, arguments.description, today.isoformat(), (today + _VALID).isoformat())
    _make_folder(file.parent)
    write(file, modeline(file, config.schema) + text)
    name = escape(display(file, Path.cwd()))
    emit(
        f"{name}: written\n"
        f"  1. fill in what begins with FILL IN: `pv validate --strict {name}` says where something is left\n"
        f"  2. `pv missing {name}` prints the falsifiers that it needs, `--write` puts them where they belong\n"
        f"  3. plant the faults that its mutants name, and run `pytest -m falsify {name}`\n"
    )
    if not any(file.is_relative_to(folder) for folder in config.contracts):
        emit(f"  {name} lies in no folder of [tool.pv] contracts: pytest and pv find it only where it is named\n")
    return 0


def _whole(planned: list[Step], file: Path, config: Config) -> int:
    """Write an example that can be run at once, and say how."""
    for step in planned:
        if step.text is not None:
            _make_folder(step.path.parent)
            write(step.path, step.text)
        word = "left " if step.text is None else "wrote"
        emit(f"{word}  {escape(display(step.path, Path.cwd()))}  ({escape(step.why)})\n")
    name = escape(display(file, Path.cwd()))
    emit(
        f"  1. `pytest -m falsify {name}` runs its claims as they are written, and the planted faults\n"
        f"  2. put your own function into {display(config.root / 'kernels.py', Path.cwd())}, or name your module in [tool.pv.subjects]\n"
        f"  3. `pv validate --strict {name}` says what is wrong with an expression, and at which character\n"
    )
    return 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageProblem(f"{escape(str(folder))}: no such folder can be made: {problem.strerror}") from None


def _file(name: str, config: Config) -> Path:
    """The file that a name, or a path that ends in one, stands for."""
    path = Path(name)
    stem = path.stem if path.suffix in SUFFIXES else path.name
    if not is_name(stem):
        instead = _suggestion(stem)
        raise UsageProblem(
            f"{escape(stem)!r} is no name for a contract: it is <topic>-v<major> in small letters, digits and dashes"
            + (f", as in {instead}" if instead else "")
        )
    if "/" in name or path.suffix in SUFFIXES:
        return path.absolute() if path.suffix in SUFFIXES else path.absolute().with_name(f"{stem}.yaml")
    return config.contracts[0] / f"{stem}.yaml"


def _suggestion(stem: str) -> str:
    """The name that was probably meant."""
    words = "".join(one if one.isascii() and one.isalnum() else " " for one in stem.lower()).split()
    topic = "-".join(words)
    return next((one for one in (topic, f"{topic}-v1") if is_name(one)), "")


def _refuse_what_is_there(file: Path, config: Config, *, force: bool) -> None:
    if file.is_dir():
        raise UsageProblem(f"{escape(str(file))}: there is a folder of that name")
    if file.exists() and not force:
        raise UsageProblem(f"{escape(str(file))}: there already; choose another name, or --force to replace it")
    others = walk(folder for folder in config.contracts if folder.exists())
    other = next((one for one in others if one.stem == file.stem and one.resolve() != file.resolve()), None)
    if other is not None:
        raise UsageProblem(f"a contract named {file.stem!r} stands in {escape(str(other))} already")
