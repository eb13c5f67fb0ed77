"""What a session does with the answers of workers, in the place of which a text is answered in this process: no scheduler runs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pv.elsewhere import child
from pv.pytest_plugin import scheduled

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

_TOO_MANY = 20  # calls of one session: each of these sessions needs fewer than half of them

Answer = dict[str, Any]


class Here:
    """One worker, which answers each call before the next one is made."""

    def __init__(self, change: Callable[[Answer, Answer], Answer]) -> None:
        self.address = "tcp://here"
        self.jobs: list[dict[str, Any]] = []
        self._change = change
        self._answers: list[tuple[int, str | None, str]] = []

    def __call__(self, *_: object) -> Here:
        return self

    def workers(self) -> dict[str, int]:
        return {self.address: 1}

    def submit(self, worker: str, function: object, text: str) -> int:
        assert (worker, function) == (self.address, child.work)
        assert len(self.jobs) < _TOO_MANY, "a session asks for ever"
        self.jobs.append(json.loads(text))
        told = self._change(self.jobs[-1], child.answer(self.jobs[-1]))
        self._answers.append((len(self.jobs), json.dumps({"worker": "here", **told}), ""))
        return len(self.jobs)

    def next(self, _: float) -> tuple[int, str | None, str] | None:
        return self._answers.pop(0) if self._answers else None

    def forget(self, *numbers: int) -> None:
        self._answers = [one for one in self._answers if one[0] not in numbers]

    def tell(self, function: Callable[[str], Any], text: str) -> dict[str, str]:
        return {self.address: asyncio.run(function(text))}

    def close(self) -> None:
        assert not self._answers


@pytest.fixture
def run(project: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[pytest.RunResult, Here]]:
    def one(
        *options: str, change: Callable[[Answer, Answer], Answer] = lambda _, told: told
    ) -> tuple[pytest.RunResult, Here]:
        here = Here(change)
        monkeypatch.setattr(scheduled, "Cluster", here)
        return project.run("--pv-scheduler", here.address, *options), here

    return one


def test_a_process_that_dies_before_its_first_item_is_not_asked_for_ever(
    project: Any, run: Callable[..., tuple[pytest.RunResult, Here]]
) -> None:
    project.contract("id: F-1", "id: F-2")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(evidence): evidence.compared(1, "x")
        @falsifies("x-v1", "F-2")
        def two(evidence): one(evidence)
    """)

    def full_disk(job: Answer, told: Answer) -> Answer:
        dies = any(item["node"].endswith("F-1") for item in job["run"])
        return {"done": [], "died": {"node": None, "how": "exit status 3"}} if dies else told

    result, _ = run("-p", "no:randomly", change=full_disk)
    assert project.verdicts() == {"F-1": "error", "F-2": "discharged"}
    result.stdout.fnmatch_lines(["it was begun 3 times*", "on worker here, exit status 3, before it began"])


def test_a_warning_is_told_and_a_fixture_that_cannot_be_taken_down_fails_the_session(
    project: Any, run: Callable[..., tuple[pytest.RunResult, Here]]
) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        import warnings
        @pytest.fixture(scope="session")
        def made():
            yield
            raise OSError("no way to take it down")
        @falsifies("x-v1", "F-1")
        def one(made, evidence):
            evidence.compared(1, "x")
            warnings.warn("soon gone")
    """)
    result, _ = run("-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*UserWarning: soon gone",
            "pv: here * fixtures of the session were not taken down: OSError: no way to take it down",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_what_refuted_a_claim_is_kept_here_and_sent_with_it_next_time(
    project: Any, run: Callable[..., tuple[pytest.RunResult, Here]]
) -> None:
    project.contract("id: F-1, params: {n: [1, 2]}")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one(n, evidence): evidence.compared(1, 'x')\n")
    found = {"0/ab": "YQ=="}

    def refuted(_: Answer, told: Answer) -> Answer:
        for one in told.get("done", ()):
            one["examples"] = found if "[2]" in one["item"] else {}
        return told

    run(change=refuted)
    _, again = run()
    sent = {item["node"].split("::")[1]: item["examples"] for job in again.jobs for item in job["run"]}
    assert sent == {"F-1[1]": {}, "F-1[2]": found}
