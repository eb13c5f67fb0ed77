"""What no module of ours may do, found in its syntax tree: run a text, unpickle, unpack an archive, hand a text to a shell."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ROOMS = ("pv", "runtime", "fixtures", "falsifiers", "benchmarks", "docs", "examples", ".ci", "conftest.py")
# modules whose files run code when they are read
PICKLES = frozenset(
    ("pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle")
)
# calls by name, whatever stands before the dot
RUNS_TEXT = frozenset(("eval", "exec", "__import__"))
SHELLS = frozenset(("system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"))
UNPACKS = frozenset(("extract", "extractall", "unpack_archive", "read_pickle"))
YAML = frozenset(("unsafe_load", "unsafe_load_all", "full_load", "full_load_all"))
# none of it can stand in a module without one of these words, and most modules have none of them
MAYBE = re.compile(
    "|".join(PICKLES | RUNS_TEXT | SHELLS | UNPACKS | YAML)
    + r"|shell|allow_pickle|trust_remote|verify|mktemp|(yaml|torch|jit)\s*\.\s*load|(yaml|torch[\w.]*)\s+(as|import)\b"
    + r"""|["']-\w*c["']"""
)
# programs that read a text as a shell does, behind `-c` and its like
READS_SHELL = re.compile(r"(.*/)?(ba|da|k|z)?sh")
# Each with its reason. `eval` of torch's modules is no call of the built-in: it sets them to inference.
ALLOWED = {
    ("pv/base.py", "extract"): "pv.git.extract: git itself writes the files of one of its commits",
    ("runtime/apr/agent/hooks.py", "sh -c"): "a hook is a command that the user names with --hooks",
    ("runtime/apr/agent/tools/bash.py", "sh -c"): "the tool Bash is this; only --allow-bash hands it to a model",
    ("falsifiers/given/outward.py", "sh -c"): "a command of its own, that tries to get out",
    ("runtime/apr/engines/transformers/building.py", "eval"): "torch.nn.Module.eval: sets a model to inference",
}


def findings(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything forbidden in a module's source."""
    tree = ast.parse(source)
    names = _imported(tree)
    safe = _safe_loaders(tree, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots = [one.name.split(".")[0] for one in node.names]
            yield from ((node.lineno, name) for name in roots if name in PICKLES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in PICKLES:
                yield node.lineno, str(node.module)
            yield from ((node.lineno, one.name) for one in node.names if one.name in SHELLS | YAML and not node.level)
        elif isinstance(node, ast.Name | ast.Attribute):  # called, or handed to what calls it
            name = _full(node, names).rpartition(".")[2]
            yield from ((node.lineno, one) for one in (name,) if one in RUNS_TEXT)
        elif isinstance(node, ast.List | ast.Tuple) and _asks_a_shell(node.elts):
            yield node.lineno, "sh -c"
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, name) for name in _of_call(node, names, safe))


def _imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `y` for `yaml`, `load` for `yaml.load`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names |= {one.asname or one.name: f"{module}.{one.name}" for one in node.names}
    return names


def _full(node: ast.expr, names: dict[str, str]) -> str:
    """An expression as it is written, except for the name it begins with."""
    first, dot, rest = ast.unparse(node).partition(".")
    return names.get(first, first) + dot + rest


def _asks_a_shell(words: list[ast.expr]) -> bool:
    """Whether an argument vector hands a shell a text that is not written there and then."""
    said = [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else None for one in words]
    if not said or not READS_SHELL.fullmatch(said[0] or ""):
        return False
    return any(re.fullmatch(r"-\w*c", one or "") and None in said[at:] for at, one in enumerate(said))


def _safe_loaders(tree: ast.Module, names: dict[str, str]) -> set[str]:
    """The names that stand for a safe loader of YAML: chosen, or derived from one."""
    safe: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_safe(node.value, names):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            safe |= {ast.unparse(one) for one in targets}
    derived = [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)]
    return safe | {
        one.name for one in derived if any(_is_safe(base, names) or ast.unparse(base) in safe for base in one.bases)
    }


def _of_call(node: ast.Call, names: dict[str, str], safe: set[str]) -> Iterator[str]:
    owner, _, name = _full(node.func, names).rpartition(".")
    given = {one.arg: one.value for one in node.keywords}
    if name in UNPACKS | YAML | ({"mktemp"} if owner == "tempfile" else set()):
        yield name
    if name in SHELLS and owner in {"", "os", "subprocess", "asyncio"}:
        yield name
    yield from _of_keywords(name, given)
    if name in {"load", "load_all"} and owner == "yaml":
        loader = given.get("Loader", node.args[1] if len(node.args) > 1 else None)
        if loader is None or not (_is_safe(loader, names) or ast.unparse(loader) in safe):
            yield "yaml.load"
    if (owner, name) in {("torch", "load"), ("jit", "load"), ("torch.jit", "load")}:
        yield "torch.load"


def _of_keywords(name: str, given: dict[str | None, ast.expr]) -> Iterator[str]:
    if "shell" in given and not _is_false(given["shell"]):
        yield "shell="
    if "allow_pickle" in given and not _is_false(given["allow_pickle"]):
        yield "allow_pickle="
    if "trust_remote_code" in given and not _is_false(given["trust_remote_code"]):
        yield "trust_remote_code="
    if (
        "verify" in given
        and _is_false(given["verify"])
        and name in {"Client", "AsyncClient", "get", "request", "stream"}
    ):
        yield "verify=False"


def _is_safe(loader: ast.expr, names: dict[str, str]) -> bool:
    text = _full(loader, names)
    chosen = "getattr(yaml, 'CSafeLoader', yaml.SafeLoader)"
    return text in {"yaml.SafeLoader", "yaml.CSafeLoader", "SafeLoader", "CSafeLoader", chosen}


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _modules() -> list[Path]:
    found = []
    for room in ROOMS:
        place = ROOT / room
        found += [place] if place.is_file() else sorted(place.rglob("*.py"))
    return found


def test_no_module_of_ours_does_it() -> None:
    used, wrong = set(), []
    modules = _modules()
    assert len(modules) > 700  # the rooms are there, and are looked at
    for path in modules:
        name = path.relative_to(ROOT).as_posix()
        source = path.read_text(encoding="utf-8")
        for line, what in findings(source) if MAYBE.search(source) else ():
            if (name, what) in ALLOWED:
                used.add((name, what))
            else:
                wrong.append(f"{name}:{line}: {what}")
    assert wrong == []
    assert used == set(ALLOWED)  # an exception that nothing needs is one for whoever comes next


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("import os, marshal as m", "marshal"),
        ("from cloudpickle import loads", "cloudpickle"),
        ("from os import system", "system"),
        ("eval(text)", "eval"),
        ("builtins.exec(text)", "exec"),
        ("__import__(name)", "__import__"),
        ("os.system(text)", "system"),
        ("os.popen(text)", "popen"),
        ("subprocess.run(text, shell=True)", "shell="),
        ("subprocess.run(text, shell=asked)", "shell="),
        ("subprocess.getoutput(text)", "getoutput"),
        ("yaml.load(text)", "yaml.load"),
        ("yaml.load(text, yaml.Loader)", "yaml.load"),
        ("yaml.load(text, Loader=yaml.UnsafeLoader)", "yaml.load"),
        ("class Loader(yaml.Loader): ...\nyaml.load(text, Loader)", "yaml.load"),
        ("base = getattr(yaml, 'CLoader', yaml.SafeLoader)\nyaml.load(text, base)", "yaml.load"),
        ("yaml.unsafe_load(text)", "unsafe_load"),
        ("from yaml import full_load", "full_load"),
        ("np.load(path, allow_pickle=True)", "allow_pickle="),
        ("torch.load(path)", "torch.load"),
        ("Auto.from_pretrained(path, trust_remote_code=True)", "trust_remote_code="),
        ("archive.extractall(folder)", "extractall"),
        ("shutil.unpack_archive(path)", "unpack_archive"),
        ("httpx2.Client(verify=False)", "verify=False"),
        ("tempfile.mktemp()", "mktemp"),
        ("from yaml import load, Loader\nload(text, Loader=Loader)", "yaml.load"),
        ("import yaml as y\ny.load(text, y.Loader)", "yaml.load"),
        ("import os as o\no.system(text)", "system"),
        ("import subprocess as sp\nsp.getoutput(text)", "getoutput"),
        ("run(['sh', '-c', text])", "sh -c"),
        ("run(('/bin/bash', '-e', '-lc', f'{text}; true'))", "sh -c"),
        ("from torch import load\nload(path)", "torch.load"),
        ("from torch.jit import load as take\ntake(path)", "torch.load"),
        ("map(eval, texts)", "eval"),
        ("run_all(texts, with_=exec)", "exec"),
        ("map(builtins.eval, texts)", "eval"),
        ("from builtins import eval as look\nlook(text)", "eval"),
        ("pandas.read_pickle(path)", "read_pickle"),
        ("archive.extract(member, folder)", "extract"),
        ("open_it(path).extract(member)", "extract"),
    ],
)
def test_each_of_them_is_found(source: str, what: str) -> None:
    assert MAYBE.search(source)
    assert [found for _, found in findings(source)] == [what]


@pytest.mark.parametrize(
    "source",
    [
        "yaml.load(text, yaml.SafeLoader)",
        "class Loader(yaml.SafeLoader): ...\nyaml.load(text, Loader)",
        "base: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\nclass Loader(base): ...\nyaml.load(text, Loader)",
        "subprocess.run([program, argument], shell=False)",
        "re.compile(text)",
        "json.load(file)",
        "np.load(path, allow_pickle=False)",
        "verify(path, verify=False)",
        "evaluate(text)",
        "import yaml as y\ny.load(text, y.SafeLoader)",
        "from yaml import SafeLoader as Safe, load\nload(text, Safe)",
        "from apr.formats import load\nload(path)",
        "run(['sh', '-c', 'true'])",
        "run([program, '-c', text])",
    ],
)
def test_what_only_looks_like_it_is_left_alone(source: str) -> None:
    assert list(findings(source)) == []
