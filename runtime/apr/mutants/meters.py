"""Faulty meters: rules that see too little or too much, alignments that are none, scores of something else."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from apr.mutants.swapping import Swap, TraceMutant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ACTIONS, _EQUALITY, _PATHS, _REPORT = "apr.meter.actions", "apr.meter.equality", "apr.meter.paths", "apr.meter.report"
_FILES, _CORPUS, _COVERAGE = "apr.meter.files", "apr.meter.corpus", "apr.meter.coverage"
_LOUD = re.compile(r"\s+")


def _actions(change: Callable[[list[Any]], list[Any]]) -> Swap:
    """Other actions are seen in a trace."""
    return Swap(_ACTIONS, "follow", lambda sound: lambda *given: change(sound(*given)))


def _of_kind(*kinds: str) -> Swap:
    return _actions(lambda actions: [action for action in actions if action.kind in kinds])


def _rule(tool: str, make: Callable[[Any], Any]) -> Swap:
    """Another rule for one tool."""
    return Swap(_EQUALITY, "TOOLS", lambda sound: {**sound, tool: sound[tool]._replace(call=make(sound[tool].call))})


def _constant(_sound: Any) -> Any:
    return lambda *_given: ("whatever",)


def _always_equal(tool: str) -> tuple[Swap, ...]:
    return (_rule(tool, _constant),)


def _input_without(*names: str) -> Callable[[Any], Any]:
    """A rule that does not see some fields."""
    return lambda sound: (
        lambda given, place, ok: sound({name: value for name, value in given.items() if name not in names}, place, ok)
    )


def _record_with(**fields: Any) -> Callable[[Any], Any]:
    """A rule for hooks or skills to which some fields are always the same."""
    return lambda sound: lambda record, place: sound({**record, **fields}, place)


def _others_equal(sound: Any) -> Any:
    def named(name: str) -> Any:
        found = sound(name)
        from apr.meter.equality import TOOLS  # noqa: PLC0415 - as it is now

        return found if name in TOOLS else found._replace(call=lambda *_given: ("whatever",))

    return named


def _without_name(action: Any) -> Any:
    if action.kind != "tool":
        return action
    call = ("tool", *action.call[2:])
    return action._replace(label="tool", call=call, key=(call, *action.key[1:]))


def _without_case(sound: Any) -> Any:
    from apr.meter.equality import TOOLS  # noqa: PLC0415 - as it is now

    known = {name.casefold(): name for name in TOOLS}
    return lambda name: sound(known.get(name.casefold(), name.casefold()))


def _result(change: Callable[[Any], Any]) -> Swap:
    """Results count otherwise."""

    def made(action: Any) -> Any:
        answered = action.kind == "tool" and action.key[1] is not None
        return action._replace(key=(action.call, change(action.key[1]))) if answered else action

    return _actions(lambda actions: [made(action) for action in actions])


def _aligned(pairs: Callable[[Sequence[Any], Sequence[Any]], list[tuple[int, int]]]) -> Swap:
    """Another way to pair two lists."""

    def make(_sound: Any) -> Any:
        from apr.meter.align import Alignment  # noqa: PLC0415 - only a planted fault needs it

        def align(teacher: Sequence[Any], student: Sequence[Any], *_bound: Any) -> Any:
            found = tuple((at, place, 1) for at, place in pairs(teacher, student))
            return Alignment(found, len(found))

        return align

    return Swap("apr.meter.align", "align", make)


def _by_index(teacher: Sequence[Any], student: Sequence[Any]) -> list[tuple[int, int]]:
    return [(at, at) for at, (one, other) in enumerate(zip(teacher, student, strict=False)) if one == other]


def _sorted(actions: list[Any]) -> list[Any]:
    return sorted(actions, key=lambda action: repr(action.key))


def _each_once(actions: list[Any]) -> list[Any]:
    return list({action.key: action for action in actions}.values())


def _share(change: Callable[[Any], Fraction]) -> tuple[Swap, ...]:
    """Another score where there is one."""
    return (
        Swap(
            _REPORT, "Report.share", lambda _: property(lambda report: change(report) if report.denominator else None)
        ),
    )


def _denominator(report: Any) -> int:
    """The teacher's actions alone."""
    if report.verdict in {"incomparable", "vacuous"}:
        return 0
    return max(int(report.teacher_actions), 1) + int(report.course) + int(report.files)


def _nothing_ended(sound: Any) -> Any:
    def course_of(entries: Any) -> Any:
        return sound(entry for entry in entries if entry.record["kind"] not in {"assistant_turn", "session_end"})

    return course_of


def _path(change: Callable[[Any, Any, str], str]) -> tuple[Swap, ...]:
    return (Swap(_PATHS, "Place.path", lambda sound: lambda self, text: change(sound, self, text)),)


def _squeezed(command: str) -> str:
    return _LOUD.sub(" ", command).strip().rstrip(";").strip()


def _claimed(sound: Any) -> Any:
    def call(given: Mapping[str, Any], place: Any, ok: bool | None) -> tuple[Any, ...]:
        found: tuple[Any, ...] = sound(given, place, ok)
        claim = given.get("post_state_sha256")
        return (found[0], "afterwards", claim) if isinstance(claim, str) else found

    return call


def _hunks(sound: Any) -> Any:
    from apr.meter.paths import Place  # noqa: PLC0415 - only a planted fault needs it

    def call(given: Mapping[str, Any], place: Any, ok: bool | None) -> Any:
        path = place.path(given["file_path"])
        return sound({**given, "file_path": path}, Place(None), ok)

    return call


def _mean(shares: Callable[[Any], list[Fraction]]) -> tuple[Swap, ...]:
    """The mean of something else, where any pair has a score."""

    def mean(corpus: Any) -> Fraction | None:
        found = shares(corpus) if corpus.scored else []
        return sum(found, Fraction()) / len(found) if found else None

    return (Swap(_CORPUS, "CorpusReport.share", lambda _: property(mean)),)


def _shares(corpus: Any) -> list[Fraction]:
    return [one.report.share for one in corpus.scored]


def _without_mean(corpus: Any) -> bool:
    return corpus.share is not None and not corpus.failed and not corpus.number("incomparable")


def _exclusive(sound: Any) -> Any:
    from apr.meter.report import exactly  # noqa: PLC0415 - only a planted fault needs it

    def passes(corpus: Any) -> bool:
        bounds = exactly(corpus.aggregate_min), exactly(corpus.settings.individual_min)
        return sound.fget(corpus) and corpus.share > bounds[0] and min(_shares(corpus)) > bounds[1]

    return property(passes)


def _nothing_is_wrong(sound: Any) -> Any:
    def run(args: Any) -> int:
        from apr.errors import UnusableInput  # noqa: PLC0415 - only a planted fault needs it

        try:
            code: int = sound(args)
        except UnusableInput:
            return 0
        return code

    return run


def _declared(sound: Any) -> Any:
    return property(lambda row: "covered" if row.trials else sound.fget(row))


def _unscored_too(sound: Any) -> Any:
    def noticed(row: Any, feature: Any) -> list[Any]:
        unscored = [trial for trial in row.trials if trial.feature == feature and trial.outcome == "unscored"]
        return [*sound(row, feature), *unscored]

    return noticed


def _of_names(sound: Any) -> Any:
    return lambda tree: sound({path: leaf._replace(sha256="") for path, leaf in tree.items()})


def _by_index_if_long(sound: Any) -> Any:
    by_index = _aligned(_by_index).make(sound)

    def align(teacher: Sequence[Any], student: Sequence[Any], *bound: Any) -> Any:
        return (by_index if max(len(teacher), len(student)) > 64 else sound)(teacher, student, *bound)

    return align


def _waits(action: Any) -> bool:
    return action.kind == "tool" and action.key[1] is None


def _by_letters(sound: Any) -> Any:
    from apr.meter.paths import shown  # noqa: PLC0415 - only a planted fault needs it

    return lambda self, text: shown(sound(self, text))


def _by_content(sound: Any) -> Any:
    def drifts(one: Any, other: Any, *more: Any) -> list[str]:
        trees = one.files or {}, other.files or {}
        found = sound(one, other, *more)
        return [path for path in found if len({tree[path].sha256 if path in tree else None for tree in trees}) > 1]

    return drifts


def _rounded(corpus: Any) -> bool:
    shares = [round(float(share), 2) for share in (corpus.share, *_shares(corpus)) if share is not None]
    enough = shares and shares[0] >= corpus.aggregate_min and min(shares[1:]) >= corpus.settings.individual_min
    return bool(enough) and not corpus.number("incomparable")


def _fixed(corpus: Any) -> bool:
    mean = corpus.share
    bounds = Fraction(95, 100), Fraction(80, 100)
    return (
        mean is not None
        and mean >= bounds[0]
        and min(_shares(corpus)) >= bounds[1]
        and not corpus.number("incomparable")
    )


def _taken_out(sound: Any) -> Any:
    def noticed(row: Any, feature: Any) -> list[Any]:
        return [
            *sound(row, feature),
            *(one for one in row.trials if one.feature == feature and one.outcome == "unnoticed"),
        ]

    return noticed


_ALL = [
    TraceMutant("always-one", "every score is 1", "score", _share(lambda _report: Fraction(1))),
    TraceMutant("always-zero", "every score is 0", "score", _share(lambda _report: Fraction(0))),
    TraceMutant("teacher-against-itself", "the teacher is held against the teacher", "score",
                (Swap("apr.meter.compare", "judge", lambda sound: lambda teacher, _student, *more: sound(teacher, teacher, *more)),)),
    TraceMutant("hooks-ignored", "no hook is seen", "hook", (_of_kind("tool", "skill"),)),
    TraceMutant("skills-ignored", "no skill is seen", "skill", (_of_kind("tool", "hook"),)),
    TraceMutant("tools-ignored", "no tool call is seen", "tools", (_of_kind("hook", "skill"),)),
    TraceMutant("names-ignored", "inputs are compared, whichever tool they are for", "name",
                (_actions(lambda actions: [_without_name(action) for action in actions]),)),
    TraceMutant("tool-names-without-case", "`bash` is Bash", "name", (Swap(_EQUALITY, "tool_named", _without_case),)),
    TraceMutant("bash-always-equal", "any two commands are the same", "Bash", _always_equal("Bash")),
    TraceMutant("read-always-equal", "any two files read are the same", "Read", _always_equal("Read")),
    TraceMutant("write-always-equal", "any two files written are the same", "Write", _always_equal("Write")),
    TraceMutant("edit-always-equal", "any two edits are the same", "Edit", _always_equal("Edit")),
    TraceMutant("glob-always-equal", "any two patterns of names are the same", "Glob", _always_equal("Glob")),
    TraceMutant("grep-always-equal", "any two searches are the same", "Grep", _always_equal("Grep")),
    TraceMutant("agent-always-equal", "any two agents are the same", "Agent", (*_always_equal("Agent"), *_always_equal("Task"))),
    TraceMutant("others-always-equal", "of a tool without a rule any two calls are the same", "other",
                (Swap(_EQUALITY, "tool_named", _others_equal),)),
    TraceMutant("quotes-collapsed", "blanks in quotes do not count", "Bash",
                (Swap(f"{_EQUALITY}.bash", "_normalised", lambda _: _squeezed),)),
    TraceMutant("paths-as-written", "./a is another file than a", "path", _path(lambda _sound, _place, text: text)),
    TraceMutant("paths-without-case", "A is the same file as a", "path", _path(lambda sound, place, text: sound(place, text).lower())),
    TraceMutant("parents-dropped", "b/../a is b/a", "path",
                _path(lambda sound, place, text: sound(place, "/".join(part for part in text.split("/") if part != "..")))),
    TraceMutant("offset-ignored", "where reading begins does not count", "Read", (_rule("Read", _input_without("offset")),)),
    TraceMutant("results-dropped", "what came of a call does not count", "result", (_result(lambda _result: None),)),
    TraceMutant("success-ignored", "a call that failed is one that did not", "result",
                (_result(lambda result: (True, *result[1:])),)),
    TraceMutant("decisions-ignored", "a hook that blocks is one that allows", "hook",
                (Swap(f"{_EQUALITY}.hook", "call", _record_with(decision="allow", exit_code=0)),)),
    TraceMutant("source-of-skills-ignored", "it does not count who asked for a skill", "skill",
                (Swap(f"{_EQUALITY}.skill", "call", _record_with(source="auto_matched")),)),
    TraceMutant("stop-reasons-ignored", "why a turn or the session ended does not count", "course",
                (Swap("apr.meter.course", "course_of", _nothing_ended),)),
    TraceMutant("by-index", "the first is held against the first, the second against the second", "alignment", (_aligned(_by_index),)),
    TraceMutant("order-ignored", "in which order things were done does not count", "alignment", (_actions(_sorted),)),
    TraceMutant("extras-free", "what a student does besides costs nothing", "alignment",
                (Swap(_REPORT, "Report.denominator", lambda _: property(_denominator)),)),
    TraceMutant("first-action-only", "only the first action is compared", "alignment", (_actions(lambda actions: actions[:1]),)),
    TraceMutant("long-ones-by-index", "long traces are compared one by one, without alignment", "alignment",
                (Swap("apr.meter.align", "align", _by_index_if_long),)),
    TraceMutant("waiting-unseen", "a call that never got a result was not made", "result",
                (_actions(lambda actions: [action for action in actions if not _waits(action)]),)),
    TraceMutant("results-cut", "of what a tool says the first 200 characters count", "result",
                (Swap("apr.meter.equality.result", "smooth", lambda sound: lambda content: sound(content[:200])),)),
    TraceMutant("placeholder-by-its-letters", "who says ${CWD} names the folder", "result", (Swap(_PATHS, "Place.text", _by_letters),)),
    TraceMutant("duplicates-collapsed", "what is done twice counts once", "alignment", (_actions(_each_once),)),
    TraceMutant("post-state-trusted", "the hash that an edit claims for its outcome is believed", "post state", (_rule("Edit", _claimed),)),
    TraceMutant("hunks-compared", "edits are compared by their words, not by their outcome", "post state", (_rule("Edit", _hunks),)),
    TraceMutant("failed-edits-applied", "an edit that failed counts as made", "post state",
                (_rule("Edit", lambda sound: lambda given, place, _ok: sound(given, place, True)),)),
    TraceMutant("files-ignored", "files may be left in any state", "files", (Swap(_FILES, "mutation_drifts", lambda _: lambda *_given: []),)),
    TraceMutant("nothing-excluded", "what git and builds keep for themselves counts as files", "exclusions",
                (Swap("apr.actions.tree", "snapshot", lambda sound: lambda root, _excluded=(): sound(root, ())),
                 Swap(_FILES, "mutation_drifts", lambda sound: lambda one, other, _excluded=(): sound(one, other, ())))),
    TraceMutant("content-alone", "whether a file may be run does not count", "files", (Swap(_FILES, "mutation_drifts", _by_content),)),
    TraceMutant("commands-change-nothing", "what a command or an agent does to files is not thought of", "post state",
                (Swap(_FILES, "_may_have_run", lambda _: lambda *_given: False),)),
    TraceMutant("sources-excluded", "files in src/ do not count", "files",
                (Swap(_FILES, "mutation_drifts", lambda sound: lambda *given: [path for path in sound(*given) if not path.startswith("src/")]),)),
    TraceMutant("tree-of-names", "a tree's hash does not look into files", "tree hash", (Swap("apr.actions.tree", "tree_sha256", _of_names),)),
    TraceMutant("vacuous-counts-as-one", "a pair without actions has score 1", "mean",
                _mean(lambda corpus: [*_shares(corpus), *[Fraction(1)] * corpus.number("vacuous")])),
    TraceMutant("median-for-mean", "the middle score is taken for the mean", "mean",
                _mean(lambda corpus: [sorted(_shares(corpus))[len(corpus.scored) // 2]])),
    TraceMutant("best-for-mean", "the best score is taken for the mean", "mean", _mean(lambda corpus: [max(_shares(corpus))])),
    TraceMutant("weighted-by-records", "long traces count for more than short ones", "mean",
                _mean(lambda corpus: [share for one in corpus.scored for share in [one.report.share] * len(one.pair.sides()[0].entries)])),
    TraceMutant("floor-not-applied", "a single pair may fall below its bound", "floor",
                (Swap(_CORPUS, "CorpusReport.failed", lambda _: property(lambda _corpus: [])),)),
    TraceMutant("mean-not-applied", "the mean may fall below its bound", "aggregate",
                (Swap(_CORPUS, "CorpusReport.passes", lambda _: property(_without_mean)),)),
    TraceMutant("bounds-exclusive", "what is equal to a bound is below it", "bounds",
                (Swap(_CORPUS, "CorpusReport.passes", _exclusive),)),
    TraceMutant("scores-rounded", "scores are rounded before they are held against a bound", "floor",
                (Swap(_CORPUS, "CorpusReport.passes", lambda _: property(_rounded)),)),
    TraceMutant("bounds-fixed", "bounds that are asked for do not count", "bounds",
                (Swap(_CORPUS, "CorpusReport.passes", lambda _: property(_fixed)),)),
    TraceMutant("always-parity", "one hand on both sides proves parity", "supports",
                (Swap(_REPORT, "Report.supports", lambda _: property(lambda report: "nothing" if report.share is None else "parity")),)),
    TraceMutant("incomparable-agrees", "other prompts and other trees are compared as if they were the same", "incomparable",
                (Swap("apr.meter.compare", "incomparable", lambda _: lambda *_sides: ""),)),
    TraceMutant("exit-code-swallowed", "the program exits with 0, whatever it found", "exit code",
                (Swap("apr.ccpa.corpus", "run", lambda sound: lambda args: min(0, sound(args))),)),
    TraceMutant("empty-corpus-passes", "where there is nothing nothing is wrong", "empty",
                (Swap("apr.ccpa.corpus", "run", _nothing_is_wrong),)),
    TraceMutant("coverage-by-declaration", "what a pair declares it covers", "ablation",
                (Swap(_COVERAGE, "Covered.state", _declared), Swap(_COVERAGE, "_about_pairs", lambda _: lambda *_given: ()))),
    TraceMutant("whatever-is-there-covers", "what can be taken out is covered, whether a score shows it or not", "ablation",
                (Swap(_COVERAGE, "Covered.noticed", _taken_out), Swap(_COVERAGE, "_about_pairs", lambda _: lambda *_given: ()))),
    TraceMutant("vacuous-pairs-cover", "a pair without a score covers what it declares", "vacuous",
                (Swap(_COVERAGE, "Covered.noticed", _unscored_too), Swap(_COVERAGE, "_about_pairs", lambda _: lambda *_given: ()))),
    TraceMutant("empty-scope-passes", "where nothing is to be covered all is", "scope",
                (Swap("apr.ccpa.coverage", "run", _nothing_is_wrong),)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
