"""`pv docs` as a user runs it: pages of a project whose ledger says what the test wants, written, checked, gone stale."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recorded_project import RecordedProject

X = """\
metadata: {version: "1.0.0", created: "2026-01-01", author: a, description: What x does., references: [r]}
status: PROPOSED
equations: {f: {formula: y = x, domain: all x}, g: {formula: z, domain: all z}}
falsification_tests:
  - {id: F-1, rule: it holds, prediction: p, if_fails: look at f, binds_to: f, level: independent, mutants: [{id: m, stage: s, layer: 1}]}
  - {id: F-2, rule: so does this, prediction: q, if_fails: r, binds_to: g, expect: refuted, mutants: [{id: n, stage: s, layer: 1}]}
"""
KERNEL = """\
metadata: {version: "1.0.0", created: "2026-01-01", author: a, description: A doubled number., references: [r]}
status: PROPOSED
equations:
  double:
    formula: 2 x
    formal: 2 * x
    domain:
      n: 1..8
      x: {dtype: f32, shape: [n], range: [-8, 8]}
    plot: {x: [-1, 1], curves: {doubled: 2 * x}}
proof_obligations:
  - {id: exact, type: equivalence, property: nothing is lost, applies_to: double}
falsification_tests:
  - {id: D-1, obligation: exact, rule: r, prediction: p, if_fails: q, binds_to: double, mutants: [{id: m, stage: double}]}
"""


@pytest.fixture
def promoted(project: RecordedProject) -> RecordedProject:
    """A project with one contract whose promotion names its evidence."""
    project.write("contracts/x-v1.yaml", X)
    project.commit()
    project.record(started="2026-01-02T03:04:05Z")
    done = project.pv("promote", "contracts/x-v1.yaml")
    assert done.returncode == 0, done.stderr
    return project


def text_of(path: Path) -> str:
    """What a reader sees of a page, tags left out."""
    body = path.read_text(encoding="utf-8").partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_a_page_says_what_the_promotion_rests_on(promoted: RecordedProject) -> None:
    done = promoted.pv("docs")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "docs/contracts/x-v1.html: written\ndocs/contracts/index.html: written\n"
    page, commit = text_of(promoted.root / "docs/contracts/x-v1.html"), promoted.git("rev-parse", "HEAD")[:7]
    assert f"seen 2026-01-02 at commit {commit}" in page
    assert "claims 2 of 2 as expected mutants 2 of 2 killed" in page
    assert "F-1 discharged independent it holds" in page
    assert "F-2 refuted, as expected independent (algorithm asked) so does this" in page
    assert "m killed s, layer 1 s, layer 1" in page
    assert "if it fails look at f" in page
    index = text_of(promoted.root / "docs/contracts/index.html")
    assert (
        "Of 2 claims 2 came out as expected when their contracts were promoted; of 2 planted faults 2 were refuted."
        in index
    )
    assert "x-v1 What x does ACTIVE_ RUNTIME 2/2 2/2 independent 2026-01-02" in index


def test_what_is_not_fresh_any_more_stays_what_was_seen(promoted: RecordedProject) -> None:
    promoted.pv("docs")
    before = (promoted.root / "docs/contracts/x-v1.html").read_bytes()
    promoted.write("falsifiers/x_v1.py", "")
    (promoted.ledger).unlink()
    assert promoted.pv("docs", "--check").returncode == 0
    assert (promoted.root / "docs/contracts/x-v1.html").read_bytes() == before


def test_another_wording_is_another_claim(promoted: RecordedProject) -> None:
    path = promoted.root / "contracts/x-v1.yaml"
    promoted.pv("docs")
    path.write_text(path.read_text().replace("prediction: p", "prediction: more than p"))
    done = promoted.pv("docs", "--check")
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            "docs/contracts/x-v1.html: out of date; run `pv docs`",
            "docs/contracts/index.html: out of date; run `pv docs`",
        ],
    )
    assert "more than p" not in text_of(promoted.root / "docs/contracts/x-v1.html")
    assert promoted.pv("docs").stdout.count("written anew") == 2
    page = text_of(promoted.root / "docs/contracts/x-v1.html")
    assert "F-1 the claim has been changed since it holds more than p" in page
    assert "F-2 refuted, as expected" in page
    assert "claims 1 of 2 as expected mutants 1 of 2 killed" in page


def test_without_a_promotion_nothing_is_said_to_be_seen(project: RecordedProject) -> None:
    project.commit()
    project.record()  # what the ledger here holds is not what everybody's checkout holds
    project.pv("docs")
    page = text_of(project.root / "docs/contracts/x-v1.html")
    assert "No evidence named yet x-v1" in page
    assert "discharged" not in page
    assert "m not run" in page


def test_check_writes_nothing(project: RecordedProject) -> None:
    done = project.pv("docs", "--check")
    assert done.returncode == 1
    assert done.stdout == (
        "docs/contracts/x-v1.html: missing; run `pv docs`\ndocs/contracts/index.html: missing; run `pv docs`\n"
    )
    assert not (project.root / "docs").exists()


def test_what_is_as_it_should_be_is_left(project: RecordedProject) -> None:
    project.pv("docs", "--into", "pages")
    path = project.root / "pages/x-v1.html"
    before = path.stat().st_mtime_ns
    assert project.pv("docs", "--into", "pages").stdout == "pages: 2 pages, all as they should be\n"
    assert path.stat().st_mtime_ns == before
    assert project.pv("docs", "--into", "pages", "--check").returncode == 0


def test_pages_of_no_contract_go_and_those_of_others_stay(project: RecordedProject) -> None:
    project.write("contracts/y-v1.yaml", X)
    project.pv("docs")
    foreign = project.write("docs/contracts/mine.html", "<p>mine</p>")
    (project.root / "contracts/y-v1.yaml").unlink()
    done = project.pv("docs", "--check")
    assert done.returncode == 1
    assert "docs/contracts/y-v1.html: of no contract; run `pv docs`\n" in done.stdout
    assert "docs/contracts/y-v1.html: removed\n" in project.pv("docs").stdout
    assert not (project.root / "docs/contracts/y-v1.html").exists()
    assert foreign.read_text() == "<p>mine</p>"


def test_some_contracts_alone(project: RecordedProject) -> None:
    project.write("contracts/y-v1.yaml", X)
    done = project.pv("docs", "contracts/y-v1.yaml")
    assert done.stdout == "docs/contracts/y-v1.html: written\ndocs/contracts/index.html: written\n"
    index = (project.root / "docs/contracts/index.html").read_text()
    assert ("y-v1.html" in index, "x-v1.html" in index) == (True, False)  # no link leads nowhere
    project.pv("docs", "contracts/x-v1.yaml")
    index = (project.root / "docs/contracts/index.html").read_text()
    assert ("y-v1.html" in index, "x-v1.html" in index) == (True, True)


def test_links_to_the_contract_lead_there_from_anywhere(project: RecordedProject) -> None:
    project.write("contracts/a b-v1.yaml", X)
    project.pv("docs", "--into", "deep/er/pages")
    page = (project.root / "deep/er/pages/a b-v1.html").read_text()
    assert 'href="../../../contracts/a%20b-v1.yaml"' in page


def test_an_executable_contract_is_drawn(project: RecordedProject) -> None:
    project.write("contracts/double-v1.yaml", KERNEL)
    assert project.pv("docs", "contracts/double-v1.yaml").returncode == 0
    page = (project.root / "docs/contracts/double-v1.html").read_text()
    assert '<math display="block" alttext="y = 2 * x">' in page
    assert '<polyline class="curve c0"' in page
    assert "the functions of kernels" in text_of(project.root / "docs/contracts/double-v1.html")


def test_a_picture_that_cannot_be_drawn_is_told_and_nothing_is_written(project: RecordedProject) -> None:
    project.write("contracts/double-v1.yaml", KERNEL.replace("doubled: 2 * x", "doubled: 'reshape(x, [7])'"))
    done = project.pv("docs")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "pv: contracts/double-v1.yaml: equation double: plot.curves.doubled: cannot be computed"
    )
    assert not (project.root / "docs").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--into", "pyproject.toml"), "pyproject.toml: is no folder; --into names the one for the pages"),
        (("contracts/none.yaml",), "contracts/none.yaml: no such file or folder"),
    ],
)
def test_what_cannot_be_asked_for(project: RecordedProject, arguments: tuple[str, ...], said: str) -> None:
    done = project.pv("docs", *arguments)
    assert (done.returncode, done.stderr) == (2, f"pv: {said}\n")


def test_two_contracts_of_one_name(project: RecordedProject) -> None:
    project.write("contracts/more/x-v1.yaml", X)
    done = project.pv("docs")
    assert done.returncode == 2
    assert "x-v1" in done.stderr
    assert not (project.root / "docs").exists()


def test_a_folder_that_cannot_be_written(project: RecordedProject) -> None:
    project.write("docs", "a file where the folder should be")
    done = project.pv("docs")
    assert done.returncode == 2
    assert done.stderr.startswith("pv: ")
