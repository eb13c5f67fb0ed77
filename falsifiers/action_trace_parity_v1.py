"""Falsifiers of `action-trace-parity-v1`: sessions made up without the code under judgement, real fixtures, real runs.

What a score has to be is computed here, from the definition, by other code than the meter's.
"""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import uuid
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from given.corpora import write_corpus
from given.failing_traces import EXAMPLES, VALID, parsed
from given.outward import SECRET, TCP, UDP, connects, dig_out, programs, talks_to_itself, ways_out
from given.same_calls import near_misses
from given.sessions import STUDENT, TEACHER, Call, Hook, Skill, lines, session
from given.students import CHEATS, NOTE, command, tree_hash, write_program
from pv import Inconclusive, Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Claim, Evidence

CONTRACT = "action-trace-parity-v1"
HYPOTHESIS = settings(max_examples=60, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)

_words = st.text(st.characters(codec="utf-8"), max_size=12)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)
_code = st.none() | st.integers(-(2**31), 2**31 - 1)
_any_call = st.builds(
    Call, _words.filter(bool), st.dictionaries(_words, _json, max_size=3), _words, st.booleans(), _code
)
_decision, _matcher = st.sampled_from(["allow", "warn", "block"]), st.none() | _words
_any_action = (
    st.lists(_any_call, min_size=1, max_size=3)
    | st.builds(Hook, st.sampled_from(["PreToolUse", "Stop"]), _decision, _matcher, _matcher)
    | st.builds(
        Skill, _words.filter(bool), st.sampled_from(["auto_matched", "user_invoked"]), st.none() | st.booleans()
    )
)
_any_session = st.builds(session, st.lists(_any_action, max_size=5), prompt=_words, answer=_words)


@falsifies(CONTRACT, "FALSIFY-CCPA-001")
def traces_are_what_the_rules_say(
    evidence: Evidence, claim: Claim, tracing: Tracing, trace_fixtures: Path, tmp_path: Path
) -> None:
    """Each failing example, every fixture, and made-up traces through writer and reader."""
    evidence.level("authored")
    examples = {example["name"]: example["rule"] for example in claim.data["failing_examples"]}
    if examples.keys() != EXAMPLES.keys():
        raise ValueError(f"not both listed and executed: {sorted(examples.keys() ^ EXAMPLES.keys())}")
    if found := tracing.rules(lines(VALID)):
        raise Refuted(f"a valid trace is found to break {found}", stage="valid")
    for name, rule in examples.items():
        found = tracing.rules(EXAMPLES[name]())
        evidence.compared(1, "failing examples")
        if rule not in found:
            raise Refuted(f"{name}: breaks {found or 'no rule'} where {rule} was expected", stage=rule)
    _hold_writing(evidence, tracing, tmp_path)
    for path in sorted(trace_fixtures.rglob("*.ccpa-trace.jsonl")):
        _hold_round_trip(evidence, tracing, parsed(path.read_bytes()), "fixtures")

    @HYPOTHESIS
    @given(_any_session)
    def check(records: list[dict[str, Any]]) -> None:
        _hold_round_trip(evidence, tracing, records, "made-up traces")

    check()


def _hold_round_trip(evidence: Evidence, tracing: Tracing, records: list[dict[str, Any]], what: str) -> None:
    if found := tracing.rules(lines(records)):
        raise Refuted(f"one of the {what} is found to break {found}: {records}", stage="valid")
    path = tracing.folder / "written.ccpa-trace.jsonl"
    tracing.write(path, records)
    evidence.compared(1, what)
    for came, how in ((parsed(path.read_bytes()), "written"), (tracing.read(path), "read")):
        if json.dumps(came, sort_keys=True) != json.dumps(records, sort_keys=True):
            raise Refuted(f"{records} is {how} as {came}", stage="round trip")


def _hold_writing(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """What is not ended is not there, what was there stays until then, and every line is whole."""
    own = folder / "written"
    own.mkdir()
    path = own / "t.ccpa-trace.jsonl"
    for before in (None, b"what was there\n"):
        if before is not None:
            path.write_bytes(before)
        tracing.write(path, VALID[:-1], land=False)
        evidence.compared(1, "traces left unfinished")
        left = {one.name: one.read_bytes() for one in own.iterdir()}
        if left != ({} if before is None else {path.name: before}):
            raise Refuted(f"of a trace that was not ended {left} is left", stage="writing")
    tracing.write(path, VALID)
    text = path.read_bytes()
    evidence.compared(1, "traces written")
    if not text.endswith(b"}\n") or text.count(b"\n") != len(VALID) or len(list(own.iterdir())) != 1:
        raise Refuted(f"written is {text!r}", stage="writing")


@falsifies(CONTRACT, "FALSIFY-CCPA-002")
def replays_are_the_same(evidence: Evidence, claim: Claim, tracing: Tracing, tmp_path: Path) -> None:
    """One recording in two folders, in processes of other hash seeds, by `ccpa replay --twice`; then students that differ each time."""
    evidence.level("authored")
    recorded = tmp_path / "recorded.ccpa-trace.jsonl"
    calls = [Call("Write", {"file_path": "a.txt", "content": "one\n"}), Call("Glob", {"pattern": "*"})]
    recorded.write_bytes(lines(session([calls, Call("Read", {"file_path": "a.txt"})], tree=tree_hash({}))))

    def replay(name: str, hash_seed: int | None = None) -> tuple[Path, Path]:
        work, emitted = tmp_path / name, tmp_path / f"{name}.ccpa-trace.jsonl"
        work.mkdir()
        arguments = ("code", "-p", "Do it.", "--cwd", work, "--answers-from", recorded, "--emit-trace", emitted)
        ran = tracing.apr(*arguments) if hash_seed is None else tracing.child(*arguments, hash_seed=hash_seed)
        if ran.code:
            raise Refuted(f"a replay exits with {ran.code}: {ran.err}", stage="replay")
        return emitted, work

    first = replay("here")
    for name, hash_seed in (("there", None), ("one", 1), ("two", 2)):
        evidence.compared(1, "pairs of replays")
        if said := tracing.differing(first, replay(name, hash_seed)):
            raise Refuted(f"two replays of one recording differ: {said}", stage="placeholders")
    examples = [example["name"] for example in claim.data["failing_examples"]]
    unsteady = _unsteady(tmp_path / "unsteady")
    if set(examples) != unsteady.keys():
        raise ValueError(f"not both listed and executed: {sorted(set(examples) ^ unsteady.keys())}")
    for name in examples:
        evidence.compared(1, "failing examples")
        if not tracing.differing(*unsteady[name]):
            raise Refuted(f"{name}: two runs that differ by it are called the same", stage=name)
    clock = tmp_path / "clock.ccpa-trace.jsonl"
    asks = Call("Bash", {"command": "date +%s%N > now.txt"}, exit_code=0)
    clock.write_bytes(lines(session([asks], tree=tree_hash({}))))
    for recording, same in ((recorded, True), (clock, False)):
        ran = tracing.ccpa("replay", recording, "--twice", "--allow-bash", "--json")
        evidence.compared(1, "recordings replayed twice")
        if json.loads(ran.out)["deterministic"] is not same or (not same and ran.code != 1):
            raise Refuted(f"{recording.name}: exit code {ran.code}, {json.loads(ran.out)['difference']}", stage="twice")


def _unsteady(folder: Path) -> dict[str, tuple[tuple[Path, Path], tuple[Path, Path]]]:
    """Two runs each of students that do something else every time: their traces and the folders that they left."""
    code = "print(list({'alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'}))"
    orders = [
        subprocess.run([sys.executable, "-S", "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    if orders[0] == orders[1]:
        raise ValueError("a set is in one order under both hash seeds")

    def run(name: str, number: int) -> tuple[Path, Path]:
        work, trace = folder / f"{name} {number}", folder / f"{name} {number}.ccpa-trace.jsonl"
        arguments = {
            "wall clock in a tool's argument": str(time.time_ns()),
            "order of a set in a tool's argument": orders[number].decode(),
        }
        write = Call("Write", {"file_path": "a.txt", "content": arguments.get(name, "a")})
        answer = f"I drew {uuid.uuid4()}." if name == "random number in an answer" else "Done."
        _tree(work, {"a.txt": f"{number}" if name == "other files behind the same words" else "a"})
        trace.write_bytes(lines(session([write], answer=answer)))
        return trace, work

    names = (
        "wall clock in a tool's argument",
        "order of a set in a tool's argument",
        "random number in an answer",
        "other files behind the same words",
    )
    return {name: (run(name, 0), run(name, 1)) for name in names}


@falsifies(CONTRACT, "FALSIFY-CCPA-003")
def recordings_are_consumed(evidence: Evidence, tracing: Tracing, tmp_path: Path) -> None:
    """Recordings of one to six turns, of one with a turn too many, and of one that breaks off."""
    evidence.level("authored")
    actions: list[Any] = [
        Call("Write", {"file_path": "a.txt", "content": "one\n"}),
        [Call("Read", {"file_path": "a.txt"}), Call("Glob", {"pattern": "*.txt"})],
        Call("Edit", {"file_path": "a.txt", "old_string": "one", "new_string": "two"}),
        Call("Read", {"file_path": "absent.txt"}),
        Call("Grep", {"pattern": "two"}),
    ]
    for count in range(len(actions) + 1):
        for stop in ("end_turn", "max_tokens", "stop_sequence"):
            recorded = session(actions[:count], stop=stop, answer=f"After {count}.")
            ran, emitted = _replayed(tracing, recorded, tmp_path / f"{count}-{stop}")
            evidence.compared(count + 1, "recorded turns")
            if _answers(emitted) != _answers(recorded):
                given, wanted = len(_answers(emitted)), count + 1
                raise Refuted(f"{given} turns are given that are not the {wanted} recorded ones", stage="answers")
            if _course(emitted) != _course(recorded):
                raise Refuted(f"{_course(recorded)} is emitted as {_course(emitted)}", stage="stop reason")
            if ran.code or f"consumed all {count + 1} recorded turns" not in ran.err:
                raise Refuted(f"exit code {ran.code}, {ran.err!r}", stage="consumed")
    whole = session(actions[:1])
    again = [
        {"v": 1, "kind": "user_prompt", "turn": 3, "text": "And again."},
        {
            "v": 1,
            "kind": "assistant_turn",
            "turn": 3,
            "blocks": [{"type": "text", "text": "No."}],
            "stop_reason": "end_turn",
        },
        whole[-1] | {"turn": 3},
    ]
    for stage, recorded in (
        ("left over", [*whole[:-1], *again]),
        ("too few", [*whole[:4], whole[-1] | {"stop_reason": "error"}]),
    ):
        ran, emitted = _replayed(tracing, recorded, tmp_path / stage)
        evidence.compared(1, "recordings out of step")
        if ran.code != 1 or "consumed all" in ran.err or not emitted or emitted[-1]["stop_reason"] != "error":
            raise Refuted(f"a recording with turns {stage}: exit code {ran.code}, {ran.err!r}", stage=stage)


def _replayed(tracing: Tracing, recorded: list[dict[str, Any]], folder: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Gives the answers of a recording in a new folder: how the program ended, and the trace that it emitted."""
    folder.mkdir()
    if found := tracing.rules(lines(recorded)):
        raise ValueError(f"the recording breaks {found}")
    work, recording, emitted = folder / "work", folder / "recorded.jsonl", folder / "emitted.jsonl"
    work.mkdir()
    recording.write_bytes(lines(recorded))
    ran = tracing.apr(
        "code", "-p", "Do it.", "--cwd", work, "--answers-from", recording, "--emit-trace", emitted
    )  # fmt: skip
    if not emitted.exists():
        return ran, []
    if found := tracing.rules(emitted.read_bytes()):
        raise Refuted(f"what `apr code` emits breaks {found}", stage="emission")
    return ran, parsed(emitted.read_bytes())


def _answers(records: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The blocks of every answer, without the ids of calls."""
    return [
        [{name: value for name, value in block.items() if name != "id"} for block in record["blocks"]]
        for record in records
        if record["kind"] == "assistant_turn"
    ]


@falsifies(CONTRACT, "FALSIFY-CCPA-004")
def actions_match_by_their_rules(evidence: Evidence, tracing: Tracing) -> None:
    """Pairs of actions whose sameness is known, then sessions of such whose score is computed here."""
    evidence.level("authored")
    _hold_table(evidence, tracing)
    _hold_course(evidence, tracing)
    _hold_alignment(evidence, tracing)


def _hold_table(evidence: Evidence, tracing: Tracing) -> None:
    """Each pair of actions alone in two sessions; a fault of everything is told apart from that of one rule."""
    near = near_misses()
    wrong: dict[tuple[str, bool], str] = {}
    for one in near:
        report = tracing.compare(session([one.teacher]), session([one.student], session_id=STUDENT, actor="apr-code"))
        evidence.compared(1, "pairs of actions")
        if report["score"] != float(one.same) or report["passes"] != one.same or bool(report["drifts"]) == one.same:
            said = f"score {report['score']}, {[drift['category'] for drift in report['drifts']]}"
            wrong.setdefault((one.stage, one.same), f"{one.teacher} and {one.student}: {said}")
    if not wrong:
        return
    stages = {stage for stage, _ in wrong}
    tools = {one.stage for one in near} - {"hook", "skill"}
    whole = any(
        {one.stage for one in near if one.same is same} <= {s for s, how in wrong if how is same}
        for same in (True, False)
    )
    place = (
        "tools" if tools <= stages and not stages & {"hook", "skill"} else "score" if whole else next(iter(wrong))[0]
    )
    raise Refuted(next(iter(wrong.values())), stage=place)


def _hold_course(evidence: Evidence, tracing: Tracing) -> None:
    """The same action, and then another end."""
    action = Call("Read", {"file_path": "a"})
    for stop in ("max_tokens", "stop_sequence"):
        report = tracing.compare(session([action]), session([action], stop=stop, session_id=STUDENT))
        evidence.compared(1, "courses")
        if report["score"] != 1 / 2 or not report["drifts"]:
            raise Refuted(f"end_turn and {stop} are given {report['score']}, not 1/2", stage="course")


def _hold_alignment(evidence: Evidence, tracing: Tracing) -> None:
    """Sessions of few different actions, in turns of several calls, against the definition."""
    actions = [
        Call("Read", {"file_path": "a"}, "1"),
        Call("Read", {"file_path": "b"}, "1"),
        Call("mcp__notes__add", {"a": 1}),
        Call("Bash", {"command": "ls"}, "a", exit_code=0),
        Hook("Stop"),
        Skill("tidy"),
    ]
    places = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3), max_size=4)

    @settings(HYPOTHESIS, max_examples=250)
    @given(places, places, st.sampled_from(["end_turn", "max_tokens"]))
    def check(teacher: list[list[int]], student: list[list[int]], stop: str) -> None:
        made = [
            session(_turns(actions, turns), stop=how, session_id=session_id)
            for turns, how, session_id in (
                (teacher, "end_turn", TEACHER),
                (student, stop, STUDENT),
            )
        ]
        expected = _score(
            *(
                ([number for turn in turns for number in turn], _course(records))
                for turns, records in zip((teacher, student), made, strict=True)
            )
        )
        report = tracing.compare(*made)
        evidence.compared(1, "pairs of sessions")
        if report["score"] != expected and (
            expected is None or report["score"] is None or not math.isclose(report["score"], expected)
        ):
            raise Refuted(f"{teacher} and {student} are given {report['score']}, not {expected}", stage="alignment")
        if (expected == 1) != (not report["drifts"]) and expected is not None:
            raise Refuted(
                f"{teacher} and {student} with score {expected} drift by {report['drifts']}", stage="alignment"
            )

    check()


def _turns(actions: Sequence[Any], turns: list[list[int]]) -> list[Any]:
    """The actions with these numbers; calls that stand together in a turn are asked for together."""
    made: list[Any] = []
    for turn in turns:
        together: list[Call] = []
        for number in turn:
            action = actions[number]
            if isinstance(action, Call):
                together.append(action)
                continue
            made += [together] if together else []
            made.append(action)
            together = []
        made += [together] if together else []
    return made


def _course(records: list[dict[str, Any]]) -> list[str]:
    return [record["stop_reason"] for record in records if "stop_reason" in record]


def _score(teacher: tuple[list[int], list[str]], student: tuple[list[int], list[str]]) -> float | None:
    """The score by its definition; None where neither side has an action."""
    first, second = teacher[0], student[0]
    if not first and not second:
        return None
    reached = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            reached[i + 1][j + 1] = reached[i][j] + 1 if one == other else max(reached[i][j + 1], reached[i + 1][j])
    return float(Fraction(reached[-1][-1], max(len(first), len(second)) + (teacher[1] != student[1])))


@falsifies(CONTRACT, "FALSIFY-CCPA-005")
def files_are_computed(evidence: Evidence, tracing: Tracing, tmp_path: Path) -> None:
    """Edits of one file by different hunks, hashes that lie, and trees that differ in one path."""
    evidence.level("authored")
    before = _tree(tmp_path / "before", {"a.txt": "one\ntwo\ntwo\n", "src/b.py": "b\n"})
    _hold_tree_hashes(evidence, tracing, before, tmp_path)
    tree = tracing.tree_sha256(before)
    for what, score, teacher, student in _edits():
        made = [
            session(actions, tree=tree, session_id=session_id)
            for actions, session_id in ((teacher, TEACHER), (student, STUDENT))
        ]
        report = tracing.compare(*made, before=before)
        evidence.compared(1, "pairs of edits")
        if report["score"] != score or (score == 1) == bool(report["drifts"]):
            raise Refuted(f"{what}: score {report['score']}, not {score}; {report['drifts']}", stage="post state")
    made = [session([Call("Bash", {"command": "make"})], tree=tree, session_id=one) for one in (TEACHER, STUDENT)]
    for number, (stage, changes) in enumerate(_other_trees()):
        after = (
            _tree(tmp_path / f"{number}a", {"a.txt": "x\n"}),
            _tree(tmp_path / f"{number}b", {"a.txt": "x\n"} | changes),
        )
        report = tracing.compare(*made, before=before, after=after)
        evidence.compared(1, "pairs of trees")
        named = [drift["label"] for drift in report["drifts"] if drift["category"] == "mismatched_file_state"]
        wanted = sorted(changes) if stage == "files" else []
        if named != wanted or report["score"] != (1 / 2 if wanted else 1):
            raise Refuted(f"trees that differ in {sorted(changes)}: {named}, score {report['score']}", stage=stage)


def _tree(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
    return folder


def _hold_tree_hashes(evidence: Evidence, tracing: Tracing, before: Path, folder: Path) -> None:
    """Two trees have one hash where they hold the same, but for what is excluded."""
    files = {"a.txt": "one\ntwo\ntwo\n", "src/b.py": "b\n"}
    sound = tracing.tree_sha256(before)
    if sound != tracing.tree_sha256(_tree(folder / "copy", files)) or len(sound) != 64:
        raise Refuted("a copy of a tree has another hash", stage="tree hash")
    for number, other in enumerate(
        ({"src/b.py": "c\n"}, {"a.txt": "one\ntwo\ntwo"}, {"c.txt": ""}, {"src/c.py": "b\n"}, {"b.py": "b\n"})
    ):
        evidence.compared(1, "tree hashes")
        if tracing.tree_sha256(_tree(folder / f"other{number}", files | other)) == sound:
            raise Refuted(f"a tree with {other} has the hash of one without", stage="tree hash")
    if tracing.tree_sha256(_tree(folder / "kept", files | {".git/HEAD": "", "target/x": "", "a.lock": ""})) != sound:
        raise Refuted("the hash of a tree depends on .git, target or lock files", stage="exclusions")


def _edits() -> list[tuple[str, float, list[Call], list[Call]]]:
    """What it is about, the score, the teacher's edits, the student's."""

    def edit(old: str, new: str, **more: Any) -> Call:
        ok = more.pop("ok", True)
        return Call("Edit", {"file_path": "a.txt", "old_string": old, "new_string": new} | more, ok=ok)

    lie = {"post_state_sha256": "0" * 64}
    return [
        ("other hunks, the same file", 1, [edit("one", "1")], [edit("one\ntwo", "1\ntwo")]),
        ("all of them, or both at once", 1, [edit("two", "2", replace_all=True)], [edit("two\ntwo", "2\n2")]),
        ("in another path's words", 1, [edit("one", "1")], [edit("one", "1", file_path="./src/../a.txt")]),
        ("behind another edit", 1, [edit("one", "1"), edit("1", "0")], [edit("one", "1"), edit("1\n", "0\n")]),
        ("another file comes out", 0, [edit("one", "1")], [edit("one", "I")]),
        ("another file comes out, and both claim the same", 0, [edit("one", "1", **lie)], [edit("one", "I", **lie)]),
        ("edits that failed", 0, [edit("one", "1", ok=False)], [edit("one\ntwo", "1\ntwo", ok=False)]),
        ("behind an edit that failed", 1 / 2, [edit("one", "1", ok=False), edit("one", "2")],
         [edit("one", "1", ok=False), edit("1", "2")]),
    ]  # fmt: skip


def _other_trees() -> list[tuple[str, dict[str, str]]]:
    return [
        ("exclusions", {".git/index": "1", "target/debug/x": "1", "src/target/y": "1", "Cargo.lock": "1"}),
        ("files", {"a.txt": "y\n"}),
        ("files", {"src/b.py": "b\n"}),
        ("files", {"src/c.rs": "", "targets": "", "lock": "", ".gitignore": "", "a.locked": ""}),
    ]


@falsifies(CONTRACT, "FALSIFY-CCPA-006")
def nothing_leads_out(evidence: Evidence, tracing: Tracing, tmp_path: Path) -> None:
    """Paths and links out of a folder, then programs that try the network, then a recording that does."""
    evidence.level("authored")
    _hold_folder(evidence, tracing, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = connects("127.0.0.1", server.getsockname()[1])
        there = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60).stdout
        if there != "through\n":
            raise Inconclusive("no loopback", f"a server on this machine's loopback cannot be reached: {there!r}")
        here = tracing.confined(program, tmp_path)
    evidence.compared(1, "programs")
    if "through" in here.stdout:
        raise Refuted("a server of the machine is reached from inside", stage="network")
    if (said := tracing.confined(talks_to_itself(), tmp_path)).stdout != "through\n":
        raise Refuted(f"a server on loopback is not reached by its own program: {said.stderr}", stage="loopback")
    for program, wanted in programs():
        ran = tracing.confined(program, tmp_path)
        evidence.compared(1, "programs")
        if ran.returncode == 0 and wanted != UDP:
            raise Refuted(f"{program} got through: {ran.stdout}", stage="network")
        if not any(wanted in (attempt.address, attempt.host) and attempt.outward for attempt in ran.attempts or ()):
            raise Refuted(f"{program} is listed with {ran.attempts}, without {wanted}", stage="attempts")
    _hold_replay(evidence, tracing, tmp_path)


def _hold_folder(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """What leads out of a folder is refused and touches nothing."""
    inside, secret = dig_out(folder)
    for name, given_input in ways_out(secret):
        ok, said = tracing.tool(inside, name, given_input)
        evidence.compared(1, "ways out of a folder")
        if ok or SECRET in said:
            raise Refuted(f"{name} {given_input} is not refused: {said}", stage="folder")
        if {path.name: path.read_text() for path in secret.parent.iterdir()} != {secret.name: SECRET}:
            raise Refuted(f"{name} {given_input} is refused, and something outside is changed", stage="folder")
    if tracing.tool(inside, "Read", {"file_path": "plain.txt"})[0] is not True:
        raise Refuted("a file inside cannot be read", stage="folder")


def _hold_replay(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """A recorded command that tries the network fails its replay, one that does not does not."""
    for out, line in ((False, "true"), (True, f"timeout 5 bash -c 'exec 3<>/dev/tcp/{TCP}/80' || true")):
        recording = folder / f"{out}.ccpa-trace.jsonl"
        result = Call("Bash", {"command": line}, exit_code=0)
        recording.write_bytes(lines(session([result], tree=tree_hash({}))))
        ran = tracing.ccpa("replay", recording, "--allow-bash", "--json")
        evidence.compared(1, "replays")
        report = json.loads(ran.out)
        listed = any(attempt["target"] == f"{TCP}:80" for attempt in report["attempts"])
        if listed is not out:
            raise Refuted(f"a replay of {line!r} is listed with {report['attempts']}", stage="attempts")
        if ("the network was tried" in report["problems"]) is not out or (out and ran.code != 1):
            raise Refuted(f"a replay of {line!r} exits with {ran.code}: {report['problems']}", stage="gate")


@falsifies(CONTRACT, "FALSIFY-CCPA-007")
def rows_are_covered_by_behaviour(evidence: Evidence, tracing: Tracing, trace_fixtures: Path, tmp_path: Path) -> None:
    """The fixtures, then each row's pairs with the row's feature gone from them; then nothing to be covered."""
    evidence.level("authored")
    rows = trace_fixtures / "rows.yaml"
    whole = tracing.ccpa("coverage", trace_fixtures, "--json")
    described = {row["id"]: row for row in json.loads(whole.out)["rows"]}
    found = {name: row["state"] for name, row in described.items()}
    wanted = [name for name, state in found.items() if state not in ("missing", "out_of_scope")]
    evidence.compared(len(wanted), "rows")
    if whole.code or any(found[name] != "covered" for name in wanted):
        raise Refuted(f"exit code {whole.code}: {json.loads(whole.out)['findings']}", stage="fixtures")
    plain = {"ablation": session([Call("NobodyAsked", {})]), "vacuous": session()}
    for name in wanted:
        folder = tmp_path / name
        declaring = [pair for pair, meta in pinned(trace_fixtures).items() if name in meta["fixture"]["covers"]]
        for pair in declaring:
            shutil.copytree(trace_fixtures / pair, folder / pair)
        can_be_gone = any(one["feature"].startswith(("tool", "hook", "skill")) for one in described[name]["features"])
        for stage, records in plain.items():
            if stage == "ablation" and not can_be_gone:
                evidence.skipped(1, "rows whose feature is gone", f"any trace that is scored has {name}")
                continue
            for pair in declaring:
                shutil.rmtree(folder / pair / "before", ignore_errors=True)
                for side in ("teacher", "student"):
                    (folder / pair / f"{side}.ccpa-trace.jsonl").write_bytes(lines(records))
            done = tracing.ccpa("coverage", folder, "--rows", rows, "--json")
            states = {row["id"]: row["state"] for row in json.loads(done.out)["rows"]}
            evidence.compared(1, "rows whose feature is gone")
            if states[name] != "uncovered" or done.code != 1:
                said = f"{states[name]}, exit code {done.code}"
                raise Refuted(f"{name} without its feature in {declaring}: {said}", stage=stage)
    _hold_scope(evidence, tracing, trace_fixtures, tmp_path)


def _hold_scope(evidence: Evidence, tracing: Tracing, trace_fixtures: Path, folder: Path) -> None:
    """Nothing to be covered, or nothing to cover it with, is no success."""
    none = folder / "none.yaml"
    for text in (
        "rows: []\n",
        "rows:\n  - {id: a, about: b, status: SHIPPED, out_of_scope: nobody sees it}\n",
        "rows:\n  - {id: a, about: b, status: MISSING}\n",
    ):
        none.write_text(text, encoding="utf-8")
        done = tracing.ccpa("coverage", trace_fixtures, "--rows", none, "--json")
        evidence.compared(1, "empty scopes")
        if done.code != 2:
            raise Refuted(f"{text!r} exits with {done.code}", stage="scope")
    (folder / "empty").mkdir()
    done = tracing.ccpa("coverage", folder / "empty", "--rows", trace_fixtures / "rows.yaml", "--json")
    evidence.compared(1, "empty scopes")
    if done.code != 2:
        raise Refuted(f"no pairs exit with {done.code}", stage="scope")


@falsifies(CONTRACT, "FALSIFY-CCPA-008")
def a_single_unfaithful_pair_is_told(
    evidence: Evidence, tracing: Tracing, trace_fixtures: Path, tmp_path: Path
) -> None:
    """Made-up corpora of known scores at, above and below every bound; then the fixtures, one unfaithful pair at a time."""
    evidence.level("authored")
    _hold_gate(evidence, tracing, tmp_path / "corpus")
    done = tracing.ccpa("corpus", trace_fixtures, "--json")
    pairs = {pair["name"]: pair for pair in json.loads(done.out)["per_pair"]}
    pins = {name: meta["expect"] for name, meta in pinned(trace_fixtures).items()}
    if pairs.keys() != pins.keys():
        raise Refuted(f"not looked at: {sorted(pairs.keys() ^ pins.keys())}", stage="fixtures")
    for name, pin in pins.items():
        pair = pairs[name]
        score = pair["verdict"] if pair["score"] is None else pair["score"]
        evidence.compared(1, "fixtures")
        if score != pin["score"] or pair["drifts"] != pin["drifts"]:
            raise Refuted(
                f"{name}: {score}, {pair['drifts']}; expected {pin['score']}, {pin['drifts']}", stage="fixtures"
            )
    among = tmp_path / "faithful"
    faithful = [name for name, pin in pins.items() if pin["score"] == 1]
    for name in faithful:
        shutil.copytree(trace_fixtures / name, among / name)
    strict = ("--individual-min", "1", "--aggregate-min", "1")
    for bounds in ((), strict):
        if code := tracing.ccpa("corpus", among, *bounds).code:
            raise Refuted(f"the {len(faithful)} faithful pairs exit with {code}", stage="fixtures")
    for name in pins.keys() - set(faithful):
        if pins[name]["score"] == "vacuous":
            continue
        shutil.copytree(trace_fixtures / name, among / name)
        code = tracing.ccpa("corpus", among, *strict).code
        shutil.rmtree(among / name)
        evidence.compared(1, "unfaithful pairs among faithful ones")
        if code != 1:
            raise Refuted(f"with {name} among them the faithful pairs exit with {code}", stage="fixtures")


def pinned(fixtures: Path) -> dict[str, dict[str, Any]]:
    """What the authors of the pairs say about each."""
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(fixtures.glob("*/meta.toml"))
    }


def _hold_gate(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """Corpora whose mean and verdict are known."""
    for stage, scores in _corpora():
        done = tracing.ccpa("corpus", write_corpus(folder, scores), "--json")
        evidence.compared(1, "made-up corpora")
        if not scores:
            if done.code != 2:
                raise Refuted(f"an empty folder exits with {done.code}", stage=stage)
            continue
        report = json.loads(done.out)
        known = [_known(score) for score in scores if not isinstance(score, str)]
        mean = sum(known, Fraction()) / len(known) if known else None
        passes = (
            mean is not None
            and mean >= Fraction(95, 100)
            and min(known) >= Fraction(4, 5)
            and "incomparable" not in scores
        )
        if report["mean"] != (None if mean is None else float(mean)):
            raise Refuted(f"{scores} have a mean of {report['mean']}, not {mean}", stage="mean")
        if report["passes"] != passes:
            raise Refuted(f"{scores}: passes is {report['passes']}", stage=stage)
        if done.code != (0 if passes else 1):
            raise Refuted(f"{scores}: passes is {passes}, and the exit code {done.code}", stage="exit code")


def _known(score: Fraction | tuple[int, int]) -> Fraction:
    return score if isinstance(score, Fraction) else Fraction(score[0] - score[1], score[0])


def _corpora() -> list[tuple[str, list[Any]]]:
    """What is tried, and the scores of the pairs."""
    one = Fraction(1)
    return [
        ("empty", []),
        ("bounds", [one, Fraction(9, 10)]),
        ("bounds", [one, one, one, Fraction(4, 5)]),
        ("aggregate", [one, Fraction(22, 25), "vacuous"]),
        ("aggregate", [one, one, one, Fraction(81, 100), Fraction(81, 100)]),
        ("aggregate", [(40, 0), (5, 1)]),
        ("aggregate", [Fraction(94, 100)] * 3),
        ("floor", [one] * 20 + [Fraction(3, 4)]),
        ("incomparable", [one] * 4 + ["incomparable"]),
        ("vacuous", ["vacuous", "vacuous"]),
    ]


@falsifies(CONTRACT, "FALSIFY-CCPA-013")
def measured_is_what_ran(
    evidence: Evidence, claim: Claim, tracing: Tracing, small_student: Callable[[], Path], tmp_path: Path
) -> None:
    """What `apr code` emits, a student that cheats in every way listed, one that does not, and a real model."""
    evidence.level("measured")
    examples = [example["name"] for example in claim.data["failing_examples"]]
    if set(examples) != CHEATS.keys():
        raise ValueError(f"not both listed and executed: {sorted(set(examples) ^ CHEATS.keys())}")
    _hold_emission(evidence, tracing, tmp_path)
    program = write_program(tmp_path)
    for name in ["faithful", *examples]:
        teacher = tmp_path / "teacher.ccpa-trace.jsonl"
        teacher.write_bytes(
            lines(_fresh(session([Call("Write", NOTE, "written")], tree=tree_hash({}), actor="apr-code")))
        )
        how = CHEATS.get(name, name)
        ran = tracing.ccpa("measure", "--teacher", teacher, "--student", command(program, how, teacher), "--json")
        report = json.loads(ran.out)
        evidence.compared(1, "students")
        accepted = report["measured"] and ran.code == 0 and report["mean"] == 1
        refused = not report["measured"] and ran.code == 2 and report["reason"] and report["mean"] is None
        if not (accepted if name == "faithful" else refused):
            raise Refuted(f"{name}: exit code {ran.code}, mean {report['mean']}, {report['reason']}", stage=name)
    _hold_real_model(evidence, tracing, small_student(), tmp_path)


def _fresh(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a session of now, so that a copy of it is not refused for its age."""
    born = f"{time.time_ns() // 10**6:012x}"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = records[0] | {"session_id": f"{born[:8]}-{born[8:]}-7a11-8b22-0123456789ab", "ts": now}
    return [first, *records[1:]]


def _hold_emission(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """Two sessions of the same program in two folders: who they are, when they were, and in which tree."""
    seen = set()
    for number, files in enumerate(({}, {"a.txt": "one\n", "b/c.txt": "two\n"})):
        own = folder / f"emission-{number}"
        work, recording, emitted = own / "work", own / "recorded.jsonl", own / "emitted.jsonl"
        _tree(work, files)
        work.mkdir(parents=True, exist_ok=True)
        recording.write_bytes(lines(session([Call("Write", {"file_path": "d.txt", "content": "x"})])))
        before = time.time()
        ran = tracing.apr("code", "-p", "Do it.", "--cwd", work, "--answers-from", recording, "--emit-trace", emitted)
        if ran.code or tracing.rules(emitted.read_bytes()):
            raise Refuted(f"exit code {ran.code}, {ran.err!r}, {tracing.rules(emitted.read_bytes())}", stage="emission")
        records = parsed(emitted.read_bytes())
        first, last = records[0], records[-1]
        moments = (
            datetime.fromisoformat(first["ts"]).timestamp(),
            int(first["session_id"].replace("-", "")[:12], 16) / 1000,
        )
        seen.add(first["session_id"])
        evidence.compared(1, "emitted traces")
        if not all(before - 0.01 <= moment <= time.time() + 0.01 for moment in moments):
            raise Refuted(f"a session of {before} says it was at {moments}", stage="emission")
        if first["cwd_sha256"] != tree_hash(files) or first["actor"] != "apr-code":
            raise Refuted(f"{first} is no session of apr-code in a tree of {sorted(files)}", stage="emission")
        if last["elapsed_ms"] > (time.time() - before) * 1000 + 1:
            raise Refuted(f"a session says it took {last['elapsed_ms']} ms", stage="emission")
    if len(seen) != 2:
        raise Refuted("two sessions have one id", stage="emission")


def _hold_real_model(evidence: Evidence, tracing: Tracing, model: Path, folder: Path) -> None:
    """A plain prompt: four records, written by a run that took tokens, and no score, since nothing was done."""
    prompt, kept = "What is the capital of France?", folder / "kept"
    teacher = folder / "plain.ccpa-trace.jsonl"
    teacher.write_bytes(lines(session(prompt=prompt, answer="Paris.", tree=tree_hash({}))))
    ran = tracing.ccpa(
        "measure", "--teacher", teacher, "--student", "apr-code", "--model", model, "--tools", "none", "--keep", kept, "--json"
    )  # fmt: skip
    report = json.loads(ran.out)
    records = parsed((kept / "student.ccpa-trace.jsonl").read_bytes()) if report["measured"] else []
    evidence.compared(len(records), "records of a real run")
    kinds = [record["kind"] for record in records]
    if kinds != ["session_start", "user_prompt", "assistant_turn", "session_end"]:
        raise Refuted(f"a plain prompt is traced as {kinds}: {report['reason']} {ran.err}", stage="real model")
    answer, last = records[2:]
    text = "".join(block["text"] for block in answer["blocks"])
    evidence.report(answer=text, tokens=[last["tokens_in"], last["tokens_out"]], stopped=last["stop_reason"])
    if not text.strip() or not last["tokens_in"] > 0 < last["tokens_out"] or last["elapsed_ms"] <= 0:
        raise Refuted(f"the model is said to have answered {text!r} in {last}", stage="real model")
    if (report["vacuous"], report["scored"], report["mean"], report["supports"], ran.code) != (
        1,
        0,
        None,
        "nothing",
        1,
    ):
        raise Refuted(f"a run without actions is given {report['mean']}, exit code {ran.code}", stage="real model")
