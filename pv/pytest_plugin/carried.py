"""What becomes of an item, as JSON: its reports and warnings, and the counterexamples that are kept of it."""

from __future__ import annotations

import base64
import builtins
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from pv.pytest_plugin.examples import open_kept
from pv.pytest_plugin.log import portable
from pv.pytest_plugin.project import PROJECT, RUN
from pv.pytest_plugin.run import PROPERTY
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

_PART = re.compile(r"(?!\.)[\w.-]+", re.ASCII)  # of the name of a kept example: no way leads out of the folder


def pack_report(config: pytest.Config, report: pytest.TestReport) -> dict[str, Any]:
    """A report as plain data, its row without the places of this machine."""
    data: dict[str, Any] = config.hook.pytest_report_to_serializable(config=config, report=report)
    data["user_properties"] = [
        [name, json.dumps(portable(json.loads(value), config.rootpath)) if name == PROPERTY else value]
        for name, value in data["user_properties"]
    ]
    return data


def unpack_report(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
    """The report that `pack_report` has made `data` of; JSON knows no tuples, and pytest insists on some."""
    for name in ("location", "longrepr"):
        if isinstance(data.get(name), list):
            data[name] = tuple(data[name])
    for name in ("user_properties", "sections"):
        data[name] = [tuple(one) for one in data.get(name, ())]
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
    return report


def row_of(data: dict[str, Any]) -> dict[str, Any] | None:
    """The row of evidence in a packed report, if there is one."""
    for name, value in data["user_properties"]:
        if name == PROPERTY:
            row: dict[str, Any] = json.loads(value)
            return row
    return None


def pack_warning(message: warnings.WarningMessage, when: str, nodeid: str) -> dict[str, Any]:
    """A warning as plain data."""
    return {
        "text": str(message.message),
        "category": message.category.__name__,
        "filename": message.filename,
        "lineno": message.lineno,
        "when": when,
        "nodeid": nodeid,
    }


def tell_warning(config: pytest.Config, data: dict[str, Any]) -> None:
    """Tell pytest of a warning that was seen elsewhere; a kind that neither Python nor pytest has is told as its base."""
    kind = getattr(builtins, data["category"], None) or getattr(pytest, data["category"], None)
    known = kind if isinstance(kind, type) and issubclass(kind, Warning) else UserWarning
    message = warnings.WarningMessage(known(data["text"]), known, data["filename"], data["lineno"])
    config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": message, "when": data["when"], "nodeid": data["nodeid"], "location": None}
    )


def kept_folder(item: pytest.Item) -> Path | None:
    """Where this process keeps the counterexamples of an item; None if it is no case of a claim."""
    run, project = item.stash.get(RUN, None), item.config.stash[PROJECT]
    return None if run is None else open_kept(project.held or project.ledger, run.claim, run.case, None, None).folder


def pack_folder(folder: Path | None) -> dict[str, str]:
    """The kept examples below a folder by name, as base64; what lies there under another kind of name is none.

    Raises:
        OSError: one of them cannot be read.
    """
    return {name: base64.b64encode(path.read_bytes()).decode("ascii") for name, path in _examples(folder).items()}


def unpack_folder(folder: Path | None, files: dict[str, str]) -> None:
    """Make a folder hold these examples and no others.

    Raises:
        OSError: it cannot be written.
        UsageProblem: a name is none that an example is kept under.
    """
    if folder is None or files == pack_folder(folder):
        return
    for name in files:
        if not _is_name(name):
            raise UsageProblem(f"{name!r} is no name of a kept example")
    for name, path in _examples(folder).items():
        if name not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(text))


def _examples(folder: Path | None) -> dict[str, Path]:
    """The files below a folder whose name an example may have, sorted; a file manager's `.DS_Store` may lie beside them."""
    if folder is None or not folder.is_dir():
        return {}
    below = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in below.items() if _is_name(name)}


def _is_name(name: str) -> bool:
    return all(map(_PART.fullmatch, name.split("/")))
