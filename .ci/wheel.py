"""Builds wheel and sdist and uses them as strangers do: in empty environments, on repositories that are not this one.

    python .ci/wheel.py [--keep FOLDER]

What has to hold: wheel and sdist hold what git tracks of `pv` and `runtime/apr`, no more and no less; both install; the base
installation brings pyyaml and jsonschema and validates contracts; with [falsify] the claims of `tests/foreign` (three files)
and of `examples/repository` come out as they should. Exit codes: 0 all of it held, 1 something did not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# what the base installation may bring: the two that it names, and what those need
BASE = {
    "pv-falsify",
    "pyyaml",
    "jsonschema",
    "jsonschema-specifications",
    "referencing",
    "rpds-py",
    "attrs",
    "typing-extensions",
}
ROOMS = {"pv/": "pv/", "runtime/apr/": "apr/"}


class DoesNotHold(Exception):
    """What was expected of the distributions and is not so."""


def run(*command: str | Path, folder: Path, ends: int = 0) -> str:
    """What a program prints; its exit status has to be `ends`. Nothing of this checkout is on its path."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    if isinstance(command[0], Path):  # the environment that the program is of is active
        environment["PATH"] = f"{command[0].parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    told = " ".join(Path(word).name if isinstance(word, Path) else word for word in command)
    if done.returncode != ends:
        raise DoesNotHold(f"{told} ended with {done.returncode}, not {ends}:\n{done.stdout}{done.stderr}")
    print(f"  {told}: {(done.stdout.strip().splitlines() or ['(says nothing)'])[-1]}", flush=True)
    return done.stdout


def tracked() -> set[str]:
    """What git tracks of both packages, under the names that a wheel has for it."""
    listed = subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    files = set()
    for line in listed.splitlines():
        room = next(room for room in ROOMS if line.startswith(room))
        files.add(ROOMS[room] + line.removeprefix(room))
    return files


def same(found: set[str], expected: set[str], what: str) -> None:
    """Raises DoesNotHold, naming what is missing and what is too much."""
    if found != expected:
        missing, more = sorted(expected - found)[:5], sorted(found - expected)[:5]
        raise DoesNotHold(
            f"{what} lacks {len(expected - found)} files {missing} and has {len(found - expected)} more {more}"
        )
    print(f"  {what}: {len(found)} files, those that git tracks")


def packaged(wheel: Path) -> set[str]:
    """The files of a wheel but for its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def sources(sdist: Path) -> set[str]:
    """What of an sdist becomes the wheel."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    return {ROOMS[room] + name.removeprefix(room) for name in names for room in ROOMS if name.startswith(room)}


def environment(folder: Path) -> Path:
    """An environment with pip and nothing else; the folder of its programs."""
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin"


def pip(programs: Path, *arguments: str | Path) -> None:
    """`pip install` by the versions that are tested."""
    constraints = ("--constraint", ROOT / "constraints.txt")
    run(
        programs / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        *constraints,
        *arguments,
        folder=ROOT,
    )


def base(programs: Path, wheel: Path, foreign: Path) -> None:
    """The base installation is small, and reads contracts."""
    pip(programs, wheel)
    listed = json.loads(run(programs / "python", "-m", "pip", "list", "--format", "json", folder=foreign))
    if more := {one["name"].lower().replace("_", "-") for one in listed} - BASE - {"pip", "setuptools"}:
        raise DoesNotHold(f"the base installation brings {sorted(more)}")
    run(programs / "pv", "validate", "--strict", folder=foreign)
    run(programs / "pv", "list", folder=foreign)
    run(programs / "apr", "--help", folder=foreign)
    run(programs / "ccpa", "--help", folder=foreign)


def claims(programs: Path, repository: Path) -> None:
    """A repository's claims are discharged, its mutants killed, and nothing contradicts what it declares."""
    run(programs / "pv", "validate", "--strict", folder=repository)
    told = run(programs / "python", "-m", "pytest", "-m", "falsify", folder=repository)
    if " 0 refuted, 0 inconclusive" not in told:
        raise DoesNotHold(f"the claims of {repository.name} did not come out as discharged:\n{told}")
    run(programs / "pv", "status", folder=repository)
    run(programs / "pv", "gate", folder=repository)


def check(folder: Path) -> None:
    """Everything, in a folder of its own."""
    print("built:")
    run(sys.executable, "-m", "build", "--quiet", "--outdir", folder / "dist", ROOT, folder=folder)
    (wheel,), (sdist,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    expected = tracked()
    same(packaged(wheel), expected, "the wheel")
    same(sources(sdist), expected, "the sdist")
    run(Path(sys.executable).with_name("check-wheel-contents"), wheel, folder=ROOT)
    foreign = Path(shutil.copytree(ROOT / "tests/foreign", folder / "foreign"))
    print("the wheel's base, in an empty environment, on a repository of three files:")
    programs = environment(folder / "environment")
    base(programs, wheel, foreign)
    print("with [falsify]:")
    pip(programs, f"{wheel}[falsify]")
    claims(programs, foreign)
    claims(programs, Path(shutil.copytree(ROOT / "examples/repository", folder / "example")))
    print("the sdist, in another:")
    programs = environment(folder / "from-sdist")
    pip(programs, sdist)
    run(programs / "pv", "validate", "--strict", folder=foreign)


def main() -> int:
    """Prints what was done, line by line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="work here and leave everything; default: a temporary folder")
    keep = parser.parse_args().keep
    try:
        if keep:
            keep.mkdir(parents=True)
            check(keep.resolve())
        else:
            with tempfile.TemporaryDirectory(prefix="pv-wheel-") as folder:
                check(Path(folder).resolve())
    except DoesNotHold as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    print("holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
