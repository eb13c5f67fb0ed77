"""Falsifiers of `action-trace-parity-v1`: sessions made up without the code under judgement, real fixtures, real runs.

What a score has to be is computed here, from the definition, by other code than the meter's.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings

from given.edited import edits, hold_tree_hashes, other_trees, plant
from given.failing_traces import EXAMPLES, VALID, parsed
from given.gates import hold_bounds, hold_gate, hold_prompts, hold_scope, hold_unnoticed, pinned
from given.outward import UDP, connects, hold_folder, hold_replay, hold_socket, programs, talks_to_itself
from given.replays import answers, hold_emission, hold_real_model, of_now, replayed, unsteady
from given.round_trips import any_session, hold_round_trip, hold_writing
from given.scoring import course_of, hold_alignment, hold_course, hold_long, hold_order, hold_table, hold_waiting
from given.sessions import STUDENT, TEACHER, Call, lines, session
from given.students import CHEATS, NOTE, command, tree_hash, write_program
from pv import Inconclusive, Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Claim, Evidence

CONTRACT = "action-trace-parity-v1"
HYPOTHESIS = settings(max_examples=60, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)


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
    hold_writing(evidence, tracing, tmp_path)
    fixtures = sorted(trace_fixtures.rglob("*.ccpa-trace.jsonl"))
    if not fixtures:
        raise ValueError(f"{trace_fixtures}: there is no fixture")
    for path in fixtures:
        hold_round_trip(evidence, tracing, parsed(path.read_bytes()), "fixtures")

    @HYPOTHESIS
    @given(any_session)
    def check(records: list[dict[str, Any]]) -> None:
        hold_round_trip(evidence, tracing, records, "made-up traces")

    check()


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
    runs = unsteady(tmp_path / "unsteady")
    if set(examples) != runs.keys():
        raise ValueError(f"not both listed and executed: {sorted(set(examples) ^ runs.keys())}")
    for name in examples:
        evidence.compared(1, "failing examples")
        if not tracing.differing(*runs[name]):
            raise Refuted(f"{name}: two runs that differ by it are called the same", stage=name)
    clock = tmp_path / "clock.ccpa-trace.jsonl"
    asks = Call("Bash", {"command": "date +%s%N > now.txt"}, exit_code=0)
    clock.write_bytes(lines(session([asks], tree=tree_hash({}))))
    for recording, same in ((recorded, True), (clock, False)):
        ran = tracing.ccpa("replay", recording, "--twice", "--allow-bash", "--json")
        evidence.compared(1, "recordings replayed twice")
        if json.loads(ran.out)["deterministic"] is not same or (not same and ran.code != 1):
            raise Refuted(f"{recording.name}: exit code {ran.code}, {json.loads(ran.out)['difference']}", stage="twice")


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
            ran, emitted = replayed(tracing, recorded, tmp_path / f"{count}-{stop}")
            evidence.compared(count + 1, "recorded turns")
            if answers(emitted) != answers(recorded):
                given, wanted = len(answers(emitted)), count + 1
                raise Refuted(f"{given} turns are given that are not the {wanted} recorded ones", stage="answers")
            if course_of(emitted) != course_of(recorded):
                raise Refuted(f"{course_of(recorded)} is emitted as {course_of(emitted)}", stage="stop reason")
            said = [record["ok"] for record in emitted if record["kind"] == "tool_result"]
            if said != [True, True, True, True, False, True][: len(said)] or len(said) != count + (count > 1):
                raise Refuted(
                    f"tools of which one reads what is not there are said to succeed: {said}", stage="results"
                )
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
        ran, emitted = replayed(tracing, recorded, tmp_path / stage)
        evidence.compared(1, "recordings out of step")
        if ran.code != 1 or "consumed all" in ran.err or not emitted or emitted[-1]["stop_reason"] != "error":
            raise Refuted(f"a recording with turns {stage}: exit code {ran.code}, {ran.err!r}", stage=stage)


@falsifies(CONTRACT, "FALSIFY-CCPA-004")
def actions_match_by_their_rules(evidence: Evidence, tracing: Tracing) -> None:
    """Pairs of actions whose sameness is known, then sessions of such whose score is computed here."""
    evidence.level("authored")
    hold_table(evidence, tracing)
    hold_course(evidence, tracing)
    hold_waiting(evidence, tracing)
    hold_order(evidence, tracing)
    hold_long(evidence, tracing)
    hold_alignment(evidence, tracing)


@falsifies(CONTRACT, "FALSIFY-CCPA-005")
def files_are_computed(evidence: Evidence, tracing: Tracing, tmp_path: Path) -> None:
    """Edits of one file by different hunks, hashes that lie, and trees that differ in one path."""
    evidence.level("authored")
    before = plant(tmp_path / "before", {"a.txt": "one\ntwo\ntwo\n", "src/b.py": "b\n"})
    hold_tree_hashes(evidence, tracing, before, tmp_path)
    tree = tracing.tree_sha256(before)
    for what, score, teacher, student in edits():
        made = [
            session(actions, tree=tree, session_id=session_id)
            for actions, session_id in ((teacher, TEACHER), (student, STUDENT))
        ]
        report = tracing.compare(*made, before=before)
        evidence.compared(1, "pairs of edits")
        if report["score"] != score or (score == 1) == bool(report["drifts"]):
            raise Refuted(f"{what}: score {report['score']}, not {score}; {report['drifts']}", stage="post state")
    made = [session([Call("Bash", {"command": "make"})], tree=tree, session_id=one) for one in (TEACHER, STUDENT)]
    for number, (stage, changes) in enumerate(other_trees()):
        after = (
            plant(tmp_path / f"{number}a", {"a.txt": "x\n"}),
            plant(tmp_path / f"{number}b", {"a.txt": "x\n"} | changes),
        )
        report = tracing.compare(*made, before=before, after=after)
        evidence.compared(1, "pairs of trees")
        named = [drift["label"] for drift in report["drifts"] if drift["category"] == "mismatched_file_state"]
        wanted = sorted(changes) if stage == "files" else []
        if named != wanted or report["score"] != (1 / 2 if wanted else 1):
            raise Refuted(f"trees that differ in {sorted(changes)}: {named}, score {report['score']}", stage=stage)
    kept, turned, linked = (plant(tmp_path / f"kind{number}", {"a.txt": "x\n"}) for number in range(3))
    (turned / "a.txt").chmod(0o755)
    (linked / "a.txt").unlink()
    (linked / "a.txt").symlink_to("x\n")
    for other in (turned, linked):
        report = tracing.compare(*made, before=before, after=(kept, other))
        evidence.compared(1, "pairs of trees")
        if report["score"] != 1 / 2:
            raise Refuted(f"a file and one that is executable or a link have score {report['score']}", stage="files")


@falsifies(CONTRACT, "FALSIFY-CCPA-006")
def nothing_leads_out(evidence: Evidence, tracing: Tracing, tmp_path: Path) -> None:
    """Paths and links out of a folder, then programs that try the network, then a recording that does."""
    evidence.level("authored")
    hold_folder(evidence, tracing, tmp_path)
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
    hold_socket(evidence, tracing, tmp_path)
    for program, wanted in programs():
        ran = tracing.confined(program, tmp_path)
        evidence.compared(1, "programs")
        if ran.returncode == 0 and wanted != UDP:
            raise Refuted(f"{program} got through: {ran.stdout}", stage="network")
        if not any(wanted in (attempt.address, attempt.host) and attempt.outward for attempt in ran.attempts or ()):
            raise Refuted(f"{program} is listed with {ran.attempts}, without {wanted}", stage="attempts")
    hold_replay(evidence, tracing, tmp_path)


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
    hold_unnoticed(evidence, tracing, tmp_path)
    hold_scope(evidence, tracing, trace_fixtures, tmp_path)


@falsifies(CONTRACT, "FALSIFY-CCPA-008")
def a_single_unfaithful_pair_is_told(
    evidence: Evidence, tracing: Tracing, trace_fixtures: Path, tmp_path: Path
) -> None:
    """Made-up corpora of known scores at, above and below every bound; then the fixtures, one unfaithful pair at a time."""
    evidence.level("authored")
    hold_gate(evidence, tracing, tmp_path / "corpus")
    hold_bounds(evidence, tracing, tmp_path / "corpus")
    hold_prompts(evidence, tracing)
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
    for name in sorted(pins.keys() - set(faithful)):
        if pins[name]["score"] == "vacuous":
            continue
        shutil.copytree(trace_fixtures / name, among / name)
        code = tracing.ccpa("corpus", among, *strict).code
        shutil.rmtree(among / name)
        evidence.compared(1, "unfaithful pairs among faithful ones")
        if code != 1:
            raise Refuted(f"with {name} among them the faithful pairs exit with {code}", stage="fixtures")


@falsifies(CONTRACT, "FALSIFY-CCPA-013")
def measured_is_what_ran(
    evidence: Evidence, claim: Claim, tracing: Tracing, small_student: Callable[[], Path], tmp_path: Path
) -> None:
    """What `apr code` emits, a student that cheats in every way listed, one that does not, and a real model."""
    evidence.level("measured")
    examples = [example["name"] for example in claim.data["failing_examples"]]
    if set(examples) != CHEATS.keys():
        raise ValueError(f"not both listed and executed: {sorted(set(examples) ^ CHEATS.keys())}")
    hold_emission(evidence, tracing, tmp_path)
    program = write_program(tmp_path)
    for name in ["faithful", *examples]:
        teacher = tmp_path / "teacher.ccpa-trace.jsonl"
        teacher.write_bytes(
            lines(of_now(session([Call("Write", NOTE, "written")], tree=tree_hash({}), actor="apr-code")))
        )
        how = CHEATS.get(name, name)
        ran = tracing.ccpa("measure", "--teacher", teacher, "--student", command(program, how, teacher), "--json")
        report = json.loads(ran.out)
        evidence.compared(1, "students")
        accepted = report["measured"] and ran.code == 0 and report["mean"] == 1
        refused = not report["measured"] and ran.code == 2 and report["reason"] and report["mean"] is None
        if not (accepted if name == "faithful" else refused):
            raise Refuted(f"{name}: exit code {ran.code}, mean {report['mean']}, {report['reason']}", stage=name)
    hold_real_model(evidence, tracing, small_student(), tmp_path)
