"""`ccpa coverage` as a user meets it, and the pairs of this project by `ccpa validate` and `ccpa corpus`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.programs import ccpa

CORPUS = Path(__file__).resolve().parents[2] / "fixtures" / "action-traces"
PAIRS = sum(path.is_dir() for path in CORPUS.iterdir())
ONE_ROW = "rows: [{id: reading, about: reads, status: SHIPPED, feature: {tool: Read}}]\n"


def declare(folder: Path, *rows: str) -> None:
    meta = folder / "meta.toml"
    meta.write_text(re.sub(r"^covers = .*$", f"covers = {json.dumps(rows)}", meta.read_text(), flags=re.MULTILINE))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two pairs of which one reads files, and one row."""
    for name in ("0004-search-and-read", "0005-hooks-of-every-kind"):
        shutil.copytree(CORPUS / name, tmp_path / name)
        declare(tmp_path / name, *(["reading"] if "read" in name else []))
    (tmp_path / "rows.yaml").write_text(ONE_ROW)
    return tmp_path


def test_the_corpus_of_this_project() -> None:
    done = ccpa("coverage", CORPUS)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"21 of 21 rows covered by {PAIRS} pairs; 2 out of scope, 1 missing\n" in done.stdout
    assert "finding:" not in done.stdout
    assert "out of scope: status-line: it is drawn, and nothing that is drawn is in a trace\n" in done.stdout
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert lines["worktree-isolation"][1:] == [
        "covered",
        "tool",
        "Agent.isolation",
        "0008-subagent-in-a-worktree",
        "1.0000",
        "0.0000",
    ]


def test_its_traces_are_valid_and_its_pins_hold() -> None:
    assert ccpa("validate", CORPUS).returncode == 0
    done = ccpa("corpus", CORPUS, "--expect")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{PAIRS} of {PAIRS} pairs are as expected")
    done = ccpa("corpus", CORPUS, "--expect", "--compat", "upstream")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{PAIRS} of {PAIRS} pairs are as expected")


def test_a_pin_that_does_not_hold(corpus: Path) -> None:
    meta = corpus / "0004-search-and-read" / "meta.toml"
    meta.write_text(meta.read_text().replace("[expect]\nscore = 1.0", "[expect]\nscore = 0.5"))
    done = ccpa("corpus", corpus, "--expect")
    assert done.returncode == 1
    assert "0004-search-and-read" in done.stdout


def test_a_row_is_covered_and_by_what(corpus: Path) -> None:
    done = ccpa("coverage", corpus)
    assert done.returncode == 0, done.stdout
    assert done.stdout == (
        "row      state    feature    noticed by             score  without\n"
        "reading  covered  tool Read  0004-search-and-read  1.0000   0.6667\n"
        "\n"
        "1 of 1 rows covered by 2 pairs; 0 out of scope, 0 missing\n"
    )


def test_declaring_is_not_covering(corpus: Path) -> None:
    declare(corpus / "0004-search-and-read")
    declare(corpus / "0005-hooks-of-every-kind", "reading")
    done = ccpa("coverage", corpus)
    assert done.returncode == 1
    assert "reading  uncovered  tool Read  nobody\n" in done.stdout
    assert (
        "finding: reading is not covered: no pair that declares it would notice the loss of tool Read\n" in done.stdout
    )
    assert (
        "finding: 0005-hooks-of-every-kind declares reading, and its student does nothing of the kind\n" in done.stdout
    )


def test_the_upstream_takes_the_declaration_for_the_deed(corpus: Path) -> None:
    (corpus / "rows.yaml").write_text(
        "rows:\n  - id: reading\n    about: reads\n    status: SHIPPED\n    feature: {tool: Read}\n"
    )
    declare(corpus / "0004-search-and-read")
    declare(corpus / "0005-hooks-of-every-kind", "reading")
    assert ccpa("coverage", corpus).returncode == 1
    done = ccpa("coverage", corpus, "--compat", "upstream")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ccpa coverage: 1/1 reachable rows covered")
    declare(corpus / "0005-hooks-of-every-kind")
    assert ccpa("coverage", corpus, "--compat", "upstream").returncode == 1
    assert ccpa("coverage", corpus, "--compat", "upstream", "--oos-rows", "reading").returncode == 0, "nought of nought"


def test_the_upstreams_other_mode() -> None:
    done = ccpa("coverage", "--compat", "upstream", "--required", "a,b", "--fixture", "one=a,b")
    assert (done.returncode, done.stderr) == (0, "")


def test_json(corpus: Path) -> None:
    declare(corpus / "0005-hooks-of-every-kind", "reading")
    done = ccpa("coverage", corpus, "--json")
    content = json.loads(done.stdout)
    assert done.returncode == 1
    assert content["schema"] == "ccpa-coverage-v1"
    assert (content["passes"], content["covered"], content["wanted"], content["pairs"]) == (False, 1, 1, 2)
    (feature,) = content["rows"][0]["features"]
    assert [(trial["pair"], trial["outcome"]) for trial in feature["trials"]] == [
        ("0004-search-and-read", "noticed"),
        ("0005-hooks-of-every-kind", "absent"),
    ]
    assert len(content["findings"]) == 1


def test_rows_of_another_file(corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(ONE_ROW.replace("tool: Read", "tool: Read, field: path"))
    done = ccpa("coverage", corpus, "--rows", other)
    assert (done.returncode, "tool Read.path" in done.stdout) == (1, True)


def test_what_a_setting_makes_invisible(corpus: Path) -> None:
    (corpus / "rows.yaml").write_text(ONE_ROW.replace("tool: Read", "result: content"))
    assert ccpa("coverage", corpus).returncode == 0
    done = ccpa("coverage", corpus, "--results", "ok")
    assert done.returncode == 1
    assert "0004-search-and-read declares reading, and would not notice the loss of result content" in done.stdout


def test_texts_of_files_cannot_steer_a_terminal(corpus: Path) -> None:
    (corpus / "rows.yaml").write_text(
        'rows: [{id: "a\\e[2J", about: b, status: SHIPPED, feature: {tool: "x\\u202ey"}},'
        ' {id: c, about: b, status: SHIPPED, out_of_scope: "d\\e[3J"}]\n'
    )
    done = ccpa("coverage", corpus)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert r"a\x1b[2J" in done.stdout
    assert r"d\x1b[3J" in done.stdout


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ([], "no folder of pairs given"),
        (["nowhere"], "nowhere/rows.yaml: cannot be read: No such file"),
        (["DIR", "--rows", "DIR"], "is a folder; name a file"),
        (["DIR", "--required", "a"], "--required goes with --compat upstream"),
        (["DIR", "--oos-rows", "reading"], "--oos-rows goes with --compat upstream"),
        (["DIR", "--compat", "upstream", "--results", "ok"], "--results does not go with --compat upstream"),
        (["DIR", "--compat", "upstream", "--required", "a"], "DIR and --required are two ways to say the same"),
        (["--rows", "x", "--compat", "upstream"], "the upstream's coverage has no --rows without DIR"),
        (["--compat", "upstream"], "give --required"),
        (["DIR", "DIR"], "unrecognized arguments"),
        (["DIR", "--results", "most"], "invalid choice"),
    ],
)
def test_usage(corpus: Path, args: list[str], problem: str) -> None:
    done = ccpa("coverage", *(str(corpus) if arg == "DIR" else arg for arg in args))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ccpa: error: ")
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("rows: []\n", "no row has to be covered"),
        ("rows: [{id: a, about: b, status: SHIPPED, out_of_scope: keys}]\n", "no row has to be covered"),
        ("rows: [{id: a, about: b, status: SHIPPED}]\n", "has to be covered and has no feature"),
        ("rows: [", "is no YAML"),
    ],
)
def test_nothing_to_be_covered(corpus: Path, rows: str, problem: str) -> None:
    (corpus / "rows.yaml").write_text(rows)
    done = ccpa("coverage", corpus)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr


def test_nothing_to_cover_it_with(tmp_path: Path, corpus: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = ccpa("coverage", empty, "--rows", corpus / "rows.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no pair in this folder" in done.stderr


def test_a_trace_that_is_not_valid(corpus: Path) -> None:
    trace = corpus / "0004-search-and-read" / "student.ccpa-trace.jsonl"
    trace.write_text(trace.read_text().replace('"v":1', '"v":2', 1))
    done = ccpa("coverage", corpus)
    assert (done.returncode, done.stdout) == (2, "")
    assert "student.ccpa-trace.jsonl:1: $.v: " in done.stderr


def test_a_folder_that_is_no_pair(corpus: Path) -> None:
    (corpus / "0006-half").mkdir()
    done = ccpa("coverage", corpus)
    assert (done.returncode, done.stdout) == (2, "")
    assert "0006-half" in done.stderr
