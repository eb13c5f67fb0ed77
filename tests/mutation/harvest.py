"""Prints as JSON what mutmut knows of the mutants in the folder it is started in; a program of its own, because mutmut reads
its settings from there when it is imported."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key


def _change(diff: str) -> tuple[int, str, str]:
    """Where in its function a change begins, what stood there, and what stands there now."""
    lines = diff.split("\n")[2:]
    (at,) = [int(line.split()[1].split(",")[0][1:]) for line in lines if line.startswith("@@")]
    body = [line for line in lines if not line.startswith("@@")]
    first = next(number for number, line in enumerate(body) if line[:1] in {"-", "+"})
    was, now = (" ".join(line[1:].strip() for line in body if line[:1] == sign) for sign in "-+")
    return at + first, was, now


def main() -> None:
    """Print the version of mutmut, and each mutant with its file, function, place, change and fate."""
    found = []
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for key, code in data.exit_code_by_key.items():
            fate = status_by_exit_code[code]
            function, owner = orig_function_and_class_names_from_key(key)
            one: dict[str, object] = {
                "key": key,
                "file": str(path),
                "function": f"{owner}.{function}" if owner else function,
                "fate": fate,
            }
            if fate not in {"killed", "timeout", "not checked"}:
                line, was, now = _change(get_diff_for_mutant(key, path=path))
                one.update(line=line, was=was, now=now)
            found.append(one)
    json.dump({"tool": f"mutmut {version('mutmut')}", "mutants": found}, sys.stdout)


if __name__ == "__main__":
    main()
