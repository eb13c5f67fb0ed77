"""`ccpa … --compat upstream`: the upstream's output, byte for byte, and its exit codes; the expected texts were printed by its program."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.programs import ccpa

if TYPE_CHECKING:
    from pathlib import Path


def _records(*tools: str, prompt: str = "Hello") -> list[dict[str, Any]]:
    blocks = [{"type": "tool_use", "id": f"t{n}", "name": name, "input": {}} for n, name in enumerate(tools)]
    start = {"session_id": "s", "ts": "t", "actor": "claude-code", "model": "m", "cwd_sha256": "c"}
    end = {"stop_reason": "end_turn", "elapsed_ms": 1, "tokens_in": 2, "tokens_out": 3}
    return [
        {"v": 1, "kind": "session_start", **start},
        {"v": 1, "kind": "user_prompt", "turn": 0, "text": prompt},
        {"v": 1, "kind": "assistant_turn", "turn": 1, "blocks": blocks, "stop_reason": "end_turn"},
        {"v": 1, "kind": "session_end", "turn": 1, **end},
    ]


def write(path: Path, *tools: str, prompt: str = "Hello") -> Path:
    """Writes a trace that calls these tools."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in _records(*tools, prompt=prompt)), encoding="utf-8")
    return path


def pair(folder: Path, teacher: str, student: str) -> None:
    """Writes a pair whose tools have names of one letter."""
    write(folder / "teacher.ccpa-trace.jsonl", *teacher)
    write(folder / "student.ccpa-trace.jsonl", *student)


def test_validate_says_how_many_records(tmp_path: Path) -> None:
    """Session ids, times and hashes are any text to it."""
    done = ccpa("validate", "--compat", "upstream", write(tmp_path / "trace"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ccpa validate: 4 record(s) — schema-roundtrip OK\n", "")


def test_validate_refuses_with_the_line(tmp_path: Path) -> None:
    path = write(tmp_path / "trace")
    path.write_text(path.read_text(encoding="utf-8").replace("user_prompt", "prompt"), encoding="utf-8")
    done = ccpa("validate", "--compat", "upstream", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}:2: unknown variant 'prompt'" in done.stderr
    assert ccpa("validate", "--compat", "upstream", tmp_path / "absent").returncode == 2


def test_diff_in_text(tmp_path: Path) -> None:
    teacher, student = write(tmp_path / "t", *"abcd"), write(tmp_path / "s", *"abxde")
    done = ccpa("diff", "--compat", "upstream", teacher, student)
    assert done.stdout == (
        "ccpa diff: parity_score = 0.7500  (3/4 matched, 5 student calls, 2 drift(s))\n"
        "  drift @ pos 2  MismatchedToolName  c\n"
        "  drift @ pos 4  ExtraToolCall  e\n"
    )
    assert done.returncode == 1
    assert ccpa("diff", "--compat", "upstream", "--individual-min", "0.75", teacher, student).returncode == 0


def test_diff_as_json(tmp_path: Path) -> None:
    teacher, student = write(tmp_path / "t", *"abc"), write(tmp_path / "s", "a")
    done = ccpa("diff", "--compat", "upstream", "--json", teacher, student)
    assert done.stdout == (
        '{\n  "drifts": [\n'
        '    {\n      "category": "MissingToolCall",\n      "position": 1,\n      "tool_name": "b"\n    },\n'
        '    {\n      "category": "MissingToolCall",\n      "position": 2,\n      "tool_name": "c"\n    }\n  ],\n'
        '  "matched_count": 1,\n  "passes_individual_floor": false,\n  "score": 0.3333333333333333,\n'
        '  "student_count": 1,\n  "teacher_count": 3\n}\n'
    )
    same = ccpa("diff", "--compat", "upstream", "--json", teacher, teacher)
    assert '"drifts": [],' in same.stdout
    assert '"score": 1.0,' in same.stdout
    assert same.returncode == 0


def test_corpus_in_text_and_as_json(tmp_path: Path) -> None:
    pair(tmp_path / "0002-b", "abcde", "abcdx")
    pair(tmp_path / "0001-a", "a", "a")
    (tmp_path / "README.md").write_text("no pair", encoding="utf-8")
    done = ccpa("corpus", "--compat", "upstream", tmp_path)
    assert done.stdout == (
        "ccpa corpus: aggregate_score = 0.9000  (2 fixture(s), FAILS passes_gate)\n"
        "  ✓  1.0000  0001-a  (0 drift(s))\n"
        "  ✓  0.8000  0002-b  (1 drift(s))\n"
    )
    assert done.returncode == 1
    passing = ccpa("corpus", "--compat", "upstream", "--aggregate-min", "0.9", "--json", tmp_path)
    assert passing.returncode == 0
    report = json.loads(passing.stdout)
    assert list(report) == ["aggregate_score", "fixture_count", "passes_gate", "per_fixture", "thresholds"]
    assert report["per_fixture"][1] == {"drift_count": 1, "id": "0002-b", "passes_individual": True, "score": 0.8}
    assert '"aggregate_min": 0.9,\n    "individual_min": 0.8\n' in passing.stdout
    assert (
        ccpa("corpus", "--compat", "upstream", "--individual-min", "0.81", "--aggregate-min", "0", tmp_path).returncode
        == 1
    )


def test_an_empty_corpus_fails_and_half_a_pair_is_unusable(tmp_path: Path) -> None:
    empty = ccpa("corpus", "--compat", "upstream", tmp_path)
    assert (empty.returncode, empty.stdout) == (1, "")
    assert empty.stderr == f"ccpa corpus: no fixtures found under {tmp_path}\n"
    write(tmp_path / "0001-a" / "teacher.ccpa-trace.jsonl")
    half = ccpa("corpus", "--compat", "upstream", tmp_path)
    assert half.returncode == 2
    assert "has no student.ccpa-trace.jsonl" in half.stderr


PARITY = """categories:
  - id: hooks
    status: SHIPPED  # since then
  - id: skills
    detail: x
    status: PARTIAL
  - id: plugins
    status: NONE
status: SHIPPED
  - id: status-line
    status_history: []
    status: SHIPPED
"""


@pytest.mark.parametrize(
    ("options", "code", "first"),
    [
        ((), 1, "1/3 reachable rows covered  (3 required total, 0 OOS, 2 uncovered)"),
        (
            ("--oos-rows", "skills, status-line"),
            0,
            "1/1 reachable rows covered  (3 required total, 2 OOS, 0 uncovered)",
        ),
        (
            ("--oos-rows", "hooks,skills,status-line"),
            0,
            "0/0 reachable rows covered  (3 required total, 3 OOS, 0 uncovered)",
        ),
    ],
)
def test_coverage_by_declaration(tmp_path: Path, options: tuple[str, ...], code: int, first: str) -> None:
    (tmp_path / "parity.yaml").write_text(PARITY, encoding="utf-8")
    for name, covers in (("a", 'covers = ["hooks"]'), ("b", "")):
        (tmp_path / "pairs" / name).mkdir(parents=True)
        meta = f'[fixture]\nid = "{name}"\n{covers}\n'
        (tmp_path / "pairs" / name / "meta.toml").write_text(meta, encoding="utf-8")
    (tmp_path / "pairs" / "without-meta").mkdir()
    files = ("--apr-code-parity-yaml", tmp_path / "parity.yaml", "--fixtures-dir", tmp_path / "pairs")
    done = ccpa("coverage", "--compat", "upstream", *files, *options)
    assert (done.returncode, done.stdout.splitlines()[0]) == (code, f"ccpa coverage: {first}")


def test_coverage_of_rows_on_the_command_line() -> None:
    done = ccpa("coverage", "--compat", "upstream", "--required", "a, b,,c", "--fixture", "1=a, b", "--oos-rows", "c")
    assert done.returncode == 0
    assert done.stdout == (
        "ccpa coverage: 2/2 reachable rows covered  (3 required total, 1 OOS, 0 uncovered)\n"
        "  out-of-scope (excluded from gate):\n    - c\n"
    )
    missing = ccpa("coverage", "--compat", "upstream", "--required", "a,b", "--fixture", "1=a")
    assert missing.returncode == 1
    assert missing.stdout.endswith("  uncovered:\n    - b\n")


def test_coverage_as_json_which_the_upstream_has_not() -> None:
    options = ("--compat", "upstream", "--required", "a,b,c", "--fixture", "1=a", "--json")
    done = ccpa("coverage", *options, "--oos-rows", "c")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "schema": "ccpa-coverage-v1", "compat": "upstream", "passes": False, "required": ["a", "b", "c"],
        "covered": ["a"], "uncovered": ["b"], "out_of_scope": ["c"],
    }  # fmt: skip
    done = ccpa("coverage", *options, "--oos-rows", "b,c")
    assert (done.returncode, json.loads(done.stdout)["passes"]) == (0, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "give --required and --fixture, or --apr-code-parity-yaml and --fixtures-dir"),
        (("--required", " ,"), "there are no rows to be covered"),
        (("--required", "a", "--fixture", "1"), "is not of the form ID=ROW,ROW"),
        (("--required", "a", "--fixture", "=a"), "is not of the form ID=ROW,ROW"),
    ],
)
def test_coverage_refuses(options: tuple[str, ...], problem: str) -> None:
    done = ccpa("coverage", "--compat", "upstream", *options)
    assert done.returncode == 2
    assert problem in done.stderr


@pytest.mark.parametrize("meta", ["[fixture", "[fixture]\ncovers = []\n", '[fixture]\nid = "a"\ncovers = "hooks"\n'])
def test_coverage_refuses_a_meta_that_says_nothing(tmp_path: Path, meta: str) -> None:
    (tmp_path / "parity.yaml").write_text(PARITY, encoding="utf-8")
    (tmp_path / "pairs" / "a").mkdir(parents=True)
    (tmp_path / "pairs" / "a" / "meta.toml").write_text(meta, encoding="utf-8")
    files = ("--apr-code-parity-yaml", tmp_path / "parity.yaml", "--fixtures-dir", tmp_path / "pairs")
    done = ccpa("coverage", "--compat", "upstream", *files)
    assert done.returncode == 2
    assert "meta.toml" in done.stderr


def _student(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "student"
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_measure_is_decided_by_the_teacher_alone(tmp_path: Path) -> None:
    """Nonsense scores 1.0 against a teacher without actions; the default meter calls that vacuous."""
    teacher = write(tmp_path / "teacher", prompt="What is 2+2?")
    student = _student(tmp_path, "print('  ' + repr(sys.argv[1:]) + ' nonsense \\n')")
    emitted = tmp_path / "emitted"
    options = ("--compat", "upstream", "--apr-bin", student, "--max-turns", "3", "--emit-student", emitted)
    done = ccpa("measure", "--teacher", teacher, *options, "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert (report["score"], report["measured"], report["prompt"]) == (1.0, True, "What is 2+2?")
    assert report["apr_bin"] == str(student)
    records = [json.loads(line) for line in emitted.read_text(encoding="utf-8").splitlines()]
    assert records[2]["blocks"] == [
        {"type": "text", "text": "['code', '-p', 'What is 2+2?', '--max-turns', '3'] nonsense"}
    ]
    assert {key: records[0][key] for key in ("session_id", "ts", "actor")} == {
        "session_id": "s",
        "ts": "t",
        "actor": "apr-code",
    }
    text = ccpa("measure", "--teacher", teacher, *options)
    assert text.stdout == f"ccpa measure: parity_score = 1.0000  (0/0 matched, measured against {student})\n"


def test_measure_scores_a_skill_as_missing_whatever_the_student_does(tmp_path: Path) -> None:
    teacher = write(tmp_path / "teacher")
    skill = {"v": 1, "kind": "skill_invocation", "turn": 1, "name": "n", "source": "user_invoked"}
    teacher.write_text(teacher.read_text(encoding="utf-8") + json.dumps(skill) + "\n", encoding="utf-8")
    done = ccpa("measure", "--teacher", teacher, "--compat", "upstream", "--apr-bin", _student(tmp_path, "print('x')"))
    assert done.returncode == 1
    assert "  drift @ pos 0  MissingSkillInvocation  n\n" in done.stdout


def test_measure_refuses(tmp_path: Path) -> None:
    sound = _student(tmp_path, "print('x')")
    calls = ccpa("measure", "--teacher", write(tmp_path / "a", "Bash"), "--compat", "upstream", "--apr-bin", sound)
    assert (calls.returncode, calls.stdout) == (2, "")
    assert "calls tools" in calls.stderr
    teacher = write(tmp_path / "b")
    absent = ccpa("measure", "--teacher", teacher, "--compat", "upstream", "--apr-bin", tmp_path / "absent")
    assert absent.returncode == 2
    assert "cannot be started" in absent.stderr
    failing = _student(tmp_path, "sys.exit('no model here')")
    failed = ccpa("measure", "--teacher", teacher, "--compat", "upstream", "--apr-bin", failing)
    assert failed.returncode == 2
    assert "ended with exit code 1: no model here" in failed.stderr
    later = teacher.read_text(encoding="utf-8").replace('"turn": 0', '"turn": 1')
    teacher.write_text(later, encoding="utf-8")
    unasked = ccpa("measure", "--teacher", teacher, "--compat", "upstream", "--apr-bin", sound)
    assert unasked.returncode == 2
    assert "has no user_prompt of turn 0" in unasked.stderr


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("validate", "--max-findings=3"),
        ("diff", "--results=ok"),
        ("diff", "--results=content"),
        ("corpus", "--results=none"),
        ("corpus", "--jobs=2"),
        ("measure", "--no-network"),
        ("measure", "--timeout=1"),
        ("measure", "--actor=apr-code"),
        ("measure", "--results=ok"),
        ("measure", "--aggregate-min=0.9"),
    ],
)
def test_an_option_that_would_count_for_nothing_is_refused(tmp_path: Path, command: str, option: str) -> None:
    trace = write(tmp_path / "one" / "teacher.ccpa-trace.jsonl")
    write(tmp_path / "one" / "student.ccpa-trace.jsonl")
    meant: dict[str, list[str | Path]] = {
        "validate": [trace],
        "diff": [tmp_path / "one"],
        "corpus": [tmp_path],
        "measure": ["--teacher", trace, "--apr-bin", _student(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")],
    }
    done = ccpa(command, *meant[command], "--compat", "upstream", option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ccpa: error: {option.partition('=')[0]} does not go with --compat upstream")
    assert not (tmp_path / "ran").exists()
    assert ccpa(command, *meant[command], "--compat", "upstream").returncode in {0, 1}
