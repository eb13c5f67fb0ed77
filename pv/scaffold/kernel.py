"""A first executable contract: the contract, a module with the function that it judges, and faults planted in that."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pv.scaffold.contract import filled, modeline, quoted, template, words
from pv.scaffold.project import PYPROJECT, Step, appended, new_file, text_of
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pv.config import Config

SUBJECT = "kernels"
MODULES = {"kernels": "the function that is judged", "kernel_mutants": "faults that the claims must refute"}
LINE = f'{SUBJECT} = {{ module = "kernels", mutants = "kernel_mutants" }}'
_TABLE = f"[tool.pv.subjects]\n{LINE}\n"
_DESCRIPTION = (
    "A softmax turns a row of scores into probabilities. An example to replace: one equation, three obligations that are run "
    "as they are written, and the faults that show that each would notice."
)


def steps(config: Config, file: Path, description: str | None, today: str) -> Iterator[Step]:
    """What to write so that the contract `file` can be run at once; modules and configuration that are there keep their text.

    Raises:
        UsageProblem: pyproject.toml is none, or has a table of subjects without ours, which only its owner can add to.
    """
    values = {"today": today, "subject": SUBJECT, "description": quoted(description or _DESCRIPTION)}
    text = modeline(file, config.schema) + filled(template("executable/contract.yaml"), {**words(file.stem), **values})
    yield Step(file, text, "a contract with three claims")
    if SUBJECT in config.subjects:
        return  # the project judges functions of its own
    for name, why in MODULES.items():
        source = "kernels.py.txt" if name == SUBJECT else "mutants.py.txt"
        yield new_file(config.root / f"{name}.py", template(f"executable/{source}"), why)
    yield _pyproject(config)


def _pyproject(config: Config) -> Step:
    path = config.root / PYPROJECT
    told = text_of(path)
    if config.subjects:
        raise UsageProblem(
            f"{path}: [tool.pv.subjects] has no {SUBJECT!r}; add this line to it, and run this again: {LINE}"
        )
    if told is None:
        return Step(
            path,
            f'[tool.pv]\ncontracts = ["{config.contracts[0].name}"]\n\n{_TABLE}',
            "[tool.pv], whose functions are judged",
        )
    text = appended(told, _TABLE)
    try:
        tool = tomllib.loads(text)["tool"]["pv"]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise UsageProblem(
            f"{path}: [tool.pv.subjects] cannot be added at its end ({problem}); write it in by hand"
        ) from None
    # a table of [tool.pv] alone is no configuration of folders: that of its defaults is what is meant
    return Step(path, text, f"[tool.pv.subjects] is added, {len(tool['subjects'])} subject")
