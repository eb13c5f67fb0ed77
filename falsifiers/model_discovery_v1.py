"""Falsifiers of `model-discovery-v1`: any candidates through the order's own functions, and real files through `apr find`.

Which criterion decides is recomputed here from names, times and formats, by other code than the program's.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from pv import Evidence

CONTRACT = "model-discovery-v1"
EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)
PREFERRED = ("qwen3-coder-30b-a3b", "qwen3-coder-next", "qwen2.5-coder-32b", "qwen2.5-coder-14b")
HEALTH = ("valid", "no_tokenizer", "unusable")
SECOND = 10**9

_facts = st.fixed_dictionaries(
    {
        "stem": st.sampled_from(["a", "A", "b", "B", "Qwen3-Coder-Next", "model-qwen2.5-coder-14b-q4"]),
        "suffix": st.sampled_from([".apr", ".gguf"]),
        "folder": st.integers(0, 2),
        "mtime_ns": st.sampled_from([0, 1, SECOND, SECOND + 1, 2 * SECOND]),
        "health": st.sampled_from(HEALTH),
    }
)
_some_facts = st.lists(_facts, max_size=10, unique_by=lambda fact: (fact["folder"], fact["stem"], fact["suffix"]))


def _candidate(finding: Any, fact: dict[str, Any]) -> Any:
    name = fact["stem"] + fact["suffix"]
    return finding.candidate(name, folder=fact["folder"], mtime_ns=fact["mtime_ns"], health=fact["health"])


def _pair(finding: Any, first: dict[str, Any], second: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Two candidates as they should come out, and as they do when they go in the other way round."""
    expected = [_candidate(finding, first), _candidate(finding, second)]
    return expected, finding.in_order(expected[::-1])


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-001")
def the_order_is_total(evidence: Evidence, finding: Any) -> None:
    """The same candidates, shuffled."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_some_facts, st.integers(0, 2**32 - 1))
    def check(facts: list[dict[str, Any]], seed: int) -> None:
        candidates = [_candidate(finding, fact) for fact in facts]
        shuffled = list(candidates)
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
        evidence.compared(1, "sequences of candidates")
        if finding.in_order(candidates) != finding.in_order(shuffled):
            raise Refuted(f"the order of {facts} depends on how they are listed", stage="order")

    check()


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-002")
def valid_ones_come_first(evidence: Evidence, finding: Any, tmp_path: Path) -> None:
    """A sound old file among newer ones that are not, under names that would otherwise win."""
    evidence.level("authored")
    folder = tmp_path / "models"
    folder.mkdir()
    sound = finding.write(folder / "sound.gguf", mtime_ns=0)
    whole_apr = finding.write(tmp_path / "whole.apr").read_bytes()
    whole_gguf = sound.read_bytes()
    broken = {
        "qwen3-coder-next.apr": whole_apr[:-20],
        "qwen3-coder-next-cut.gguf": whole_gguf[:-20],
        "header.apr": whole_apr[:8] + bytes([whole_apr[8] ^ 1]) + whole_apr[9:],
        "index.gguf": whole_gguf.replace(b"token_embd", b"\xff\xfe\xfd\xfc_embd"),
        "empty.apr": b"",
        "magic.gguf": b"GGUF",
        "magic.apr": b"APR\0",
        "text.gguf": b"this is no model",
    }
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    bare = {finding.write(folder / name, tokenizer=False).name for name in ("bare.apr", "qwen2.5-coder-14b.gguf")}
    done = finding.program("find", "--json", "--dir", folder, home=tmp_path)
    if not done.stdout:
        raise Refuted(f"nothing is printed: {done.stderr}", stage="valid")
    found = [entry["path"].rpartition("/")[2] for entry in json.loads(done.stdout)["candidates"]]
    evidence.compared(len(found), "files")
    if found[0] != sound.name or json.loads(done.stdout)["chosen"] != str(sound):
        raise Refuted(f"{found[0]} comes before the only valid file", stage="valid")
    if set(found[1 : 1 + len(bare)]) != bare or set(found[1 + len(bare) :]) != set(broken):
        raise Refuted(f"those without tokenizer do not come before those that do not open: {found}", stage="valid")


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-003")
def preferred_names_come_first(evidence: Evidence, finding: Any) -> None:
    """Two candidates, equally valid, one of a preferred name spelled in any case."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_facts, _facts, st.sampled_from(PREFERRED), st.sampled_from([str.lower, str.upper, str.title]))
    def check(first: dict[str, Any], second: dict[str, Any], name: str, spelled: Any) -> None:
        first |= {"stem": f"my-{spelled(name)}-q4", "health": second["health"]}
        second["stem"] = "plain"
        expected, ordered = _pair(finding, first, second)
        evidence.compared(1, "pairs")
        if ordered != expected:
            raise Refuted(f"{second} comes before {first}", stage="preferred")

    check()


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-004")
def the_newest_comes_first(evidence: Evidence, finding: Any) -> None:
    """Two candidates, equally valid, without preferred names, one of them newer by little or much."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_facts, _facts, st.integers(0, 2**62), st.sampled_from([1, 999, SECOND - 1, SECOND, 10**15]))
    def check(first: dict[str, Any], second: dict[str, Any], time: int, later: int) -> None:
        first |= {"stem": "b", "mtime_ns": time + later, "folder": 2}
        second |= {"stem": "a", "mtime_ns": time, "folder": 0, "health": first["health"]}
        expected, ordered = _pair(finding, first, second)
        evidence.compared(1, "pairs")
        if ordered != expected:
            raise Refuted(f"the older {second} comes before {first}", stage="newest")

    check()


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-005")
def apr_comes_before_gguf(evidence: Evidence, finding: Any) -> None:
    """Two candidates that differ in format, folder and name, and then in time as well."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_facts, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2**62))
    def check(fact: dict[str, Any], folder: int, other_folder: int, later: int) -> None:
        own = fact | {"stem": "b", "suffix": ".apr", "folder": folder}
        other = fact | {"stem": "a", "suffix": ".gguf", "folder": other_folder}
        expected, ordered = _pair(finding, own, other)
        evidence.compared(2, "pairs")
        if ordered != expected:
            raise Refuted(f"{other} comes before {own}", stage="format")
        other["mtime_ns"] += later + 1
        expected, ordered = _pair(finding, other, own)
        if ordered != expected:
            raise Refuted(f"{own} comes before {other}, which is newer", stage="format")

    check()


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-006")
def what_is_named_wins(evidence: Evidence, finding: Any, tmp_path: Path) -> None:
    """By path, by repository, by neither, and by names of what is not here."""
    evidence.level("authored")
    pacha, models = tmp_path / ".cache" / "pacha" / "models", tmp_path / "models"
    for folder in (pacha, models):
        folder.mkdir(parents=True)
    named = finding.write(pacha / "org--repo-q4_k_m.gguf", mtime_ns=SECOND)
    found = finding.write(models / "found.apr", mtime_ns=2 * SECOND)
    exact = finding.write(tmp_path / "exact.gguf", mtime_ns=0)
    path, repo = ("--model-path", exact), ("--model-repo", "org/repo")
    for arguments, expected in (
        ((*path, *repo), exact),
        ((*repo, *path), exact),
        (path, exact),
        (repo, named),
        ((*repo, "--quant", "q8_0"), None),
        (("--model-repo", "org/other"), None),
        (("--model-path", tmp_path / "absent.gguf"), None),
        (("--model-path", tmp_path / "absent.gguf", *repo), None),
        ((), found),
    ):
        done = finding.program("find", *arguments, home=tmp_path)
        evidence.compared(1, "choices")
        wanted = (2, "") if expected is None else (0, f"{expected}\n")
        if (done.returncode, done.stdout) != wanted:
            said = f"exit {done.returncode}, {done.stdout!r} {done.stderr!r}"
            raise Refuted(f"apr find {' '.join(map(str, arguments))}: {said}", stage="choice")


def _differing(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The first criterion in which two files, as they were written, differ."""
    for criterion, fact in (
        ("valid", "health"),
        ("preferred name", "preferred"),
        ("newest", "mtime_ns"),
        ("format", "suffix"),
        ("folder", "folder"),
    ):
        if first[fact] != second[fact]:
            return criterion
    return "name"


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-007")
def places_are_explained(evidence: Evidence, finding: Any, tmp_path: Path) -> None:
    """Files of every health, with and without preferred names, of few times, in both formats and two folders."""
    evidence.level("authored")
    draw = random.Random(7)  # noqa: S311 - no secret
    written: dict[str, dict[str, Any]] = {}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    for number in range(48):
        preferred = draw.random() < 0.3
        fact: dict[str, Any] = {
            "health": draw.choice(HEALTH),
            "preferred": preferred,
            "mtime_ns": draw.choice([SECOND, 2 * SECOND]),
            "suffix": draw.choice([".apr", ".gguf"]),
            "folder": draw.randrange(2),
        }
        stem = f"{number:02d}{'-QWEN2.5-Coder-32B' if preferred else ''}"
        path = folders[fact["folder"]] / f"{stem}{fact['suffix']}"
        finding.write(path, tokenizer=fact["health"] == "valid")
        if fact["health"] == "unusable":
            path.write_bytes(path.read_bytes()[:-20])
        finding.touch(path, fact["mtime_ns"])
        written[str(path)] = fact
    done = finding.program("find", "--json", "--dir", folders[0], "--dir", folders[1], home=tmp_path)
    if not done.stdout:
        raise Refuted(f"nothing is printed: {done.stderr}", stage="why")
    entries = json.loads(done.stdout)["candidates"]
    if {entry["path"] for entry in entries} != set(written):
        raise Refuted("not every file is explained", stage="why")
    decided = set()
    for number, entry in enumerate(entries):
        neighbour = entries[number - 1 if number else 1]
        expected = _differing(written[entry["path"]], written[neighbour["path"]])
        decided.add(expected)
        evidence.compared(1, "explanations")
        if entry["criterion"] != expected or expected not in entry["why"]:
            raise Refuted(
                f"{entry['path']} and {neighbour['path']} differ first in {expected}, said is {entry['why']}",
                stage="why",
            )
    evidence.report(criteria_that_decided=sorted(decided))


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-008")
def the_choice_is_the_first(evidence: Evidence, finding: Any) -> None:
    """Any candidates."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_some_facts)
    def check(facts: list[dict[str, Any]]) -> None:
        candidates = [_candidate(finding, fact) for fact in facts]
        chosen, ordered = finding.best(candidates), finding.in_order(candidates)
        evidence.compared(1, "choices")
        if chosen != (ordered[0] if ordered else None):
            raise Refuted(f"{chosen} is chosen where {ordered[0]} is the first", stage="choice")

    check()


@falsifies(CONTRACT, "FALSIFY-DISCOVERY-009")
def an_alias_means_one_source(evidence: Evidence, finding: Any, tmp_path: Path) -> None:
    """In processes of different hash seeds, with entries of one's own, with names that are twice or not there."""
    evidence.level("authored")
    own = tmp_path / "own.yaml"

    def entry(sha256: str) -> str:
        return (
            f"{{source: 'https://example.org/m.gguf', sha256: '{sha256 * 64}', size: 1, licence: MIT, description: x}}"
        )

    own.write_text(f"mine: {entry('0')}\nllama3: {entry('0')}\n", encoding="utf-8")
    tables = []
    for seed in ("1", "2", "3"):
        done = finding.program("list", "--json", home=tmp_path, PYTHONHASHSEED=seed, APR_ALIASES=str(own))
        models = json.loads(done.stdout)["models"] if done.stdout else [{"alias": done.stderr}]
        tables.append([(model["alias"], model.get("source"), model.get("sha256")) for model in models])
    evidence.compared(len(tables), "processes")
    if any(table != tables[0] for table in tables):
        raise Refuted("processes list the aliases differently", stage="aliases")
    sources = {alias: source for alias, source, _ in tables[0]}
    missing = {"llama3", "mistral", "phi3", "qwen2", "mine"} - set(sources)
    if missing or not all(str(source).startswith(("pypi://", "hf://", "https://")) for source in sources.values()):
        raise Refuted(f"missing are {missing}, sources are {sources}", stage="aliases")
    evidence.compared(len(sources), "aliases")
    if sources["llama3"] != "https://example.org/m.gguf":
        raise Refuted("an entry of one's own does not win", stage="aliases")
    table = finding.aliases(own)
    for name in ("mine2", "lama3", "", "LLAMA3"):
        said = finding.refused(lambda name=name: finding.find_alias(name, table))
        evidence.compared(1, "unknown aliases")
        if said is None or "unknown alias" not in said:
            raise Refuted(f"the unknown alias {name!r} is not refused: {said}", stage="aliases")
    own.write_text(f"mine: {entry('0')}\nmine: {entry('1')}\n", encoding="utf-8")
    said = finding.refused(lambda: finding.aliases(own))
    evidence.compared(1, "repeated aliases")
    if said is None or "there twice" not in said:
        raise Refuted(f"a name that is there twice is not refused: {said}", stage="aliases")
