"""What it takes to say whether contracts are as the schema asks: jsonschema, jsonschema-rs where it is installed, and the check here.

python benchmarks/schema_check.py [FOLDER] [--rounds 9] [--quick] [--json]

FOLDER holds contracts; without it the corpus of real contracts beside the checkout is taken where there is one, else the contracts
of this repository. Each count is a process of its own, in turn; the least of each part is printed, and the ratio of the sums to
jsonschema's. Beside it what reading the same files takes: here, and by libyaml's `compose` alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from figures import Sheet, told

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
BEFORE = """
import sys, time, json
from pathlib import Path
from pv.corpus import walk
from pv.load import Document, load
from pv.rules._schema import schema
from pv.source import Source, read_source
import yaml
files = [one for path in walk([Path(sys.argv[1])]) if isinstance(one := read_source(path, str(path)), Source)]
marks = [time.process_time()]
def mark(): marks.append(time.process_time())
"""
AFTER = "\nprint(json.dumps([later - sooner for sooner, later in zip(marks, marks[1:])]))"
DOCUMENTS = """
found = [document for one in files if isinstance(document := load(one), Document)]
data = [one.data for one in found if isinstance(one.data, dict) and "metadata" in one.data]
the_schema = schema()
marks[:] = [time.process_time()]
"""
CHECKS = {
    "jsonschema": "import jsonschema; mark(); valid = jsonschema.Draft7Validator(the_schema).is_valid; mark()",
    "jsonschema-rs": "import jsonschema_rs; mark(); valid = jsonschema_rs.Draft7Validator(the_schema).is_valid; mark()",
    "compiled here": "from pv.rules._valid import compiled; mark(); valid = compiled(the_schema); mark()",
}
COMPOSE = "libyaml's compose"
READERS = {
    "read here": "for one in files: load(one)\nmark()",
    COMPOSE: "for one in files: yaml.compose(one.text.encode(), Loader=yaml.CSafeLoader)\nmark()",
}


def count(program: str, folder: Path) -> list[float]:
    """The CPU milliseconds of the parts of a program."""
    done = subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True, text=True)
    return [1000 * part for part in json.loads(done.stdout)]


def main(sheet: Sheet) -> None:
    """Count, and print two small tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS if CORPUS.is_dir() else ROOT / "contracts")
    parser.add_argument("--rounds", type=int, default=2 if sheet.quick else 9)
    arguments = parser.parse_args()
    ask = "\n[valid(one) for one in data]; mark()"
    programs = {
        name: BEFORE + DOCUMENTS + text + ask + AFTER
        for name, text in CHECKS.items()
        if name != "jsonschema-rs" or importlib.util.find_spec("jsonschema_rs")
    }
    readers = {name: BEFORE + text + AFTER for name, text in READERS.items()}
    counts: dict[str, list[list[float]]] = {name: [] for name in (*programs, *readers)}
    for _ in range(arguments.rounds):
        for name, program in (programs | readers).items():
            counts[name].append(count(program, arguments.folder))
    least = {name: [min(parts) for parts in zip(*rounds, strict=True)] for name, rounds in counts.items()}
    print(f"{'CPU ms':20}{'import':>9}{'compile':>9}{'validate':>9}{'together':>9}  of jsonschema")
    for name in programs:
        parts = least[name]
        cells = "".join(f"{part:9.1f}" for part in (*parts, sum(parts)))
        print(f"{name:20}{cells}  {sum(parts) / sum(least['jsonschema']):.2f}")
    peer = ("jsonschema", sum(least["jsonschema"]))
    sheet.add("check", "contracts held against the schema", sum(least["compiled here"]), "ms", against=peer)
    peer = (COMPOSE, least[COMPOSE][0])
    sheet.add("read", "contracts read", least["read here"][0], "ms", against=peer)
    for name in readers:
        print(f"{name:20}{least[name][0]:9.1f}  {least[name][0] / least[COMPOSE][0]:.2f} of compose")


if __name__ == "__main__":
    sys.exit(told(main))
