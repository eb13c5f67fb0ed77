"""What a row rests on, looked at again: why it counts no more, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.config import Config
from pv.digest import sha256
from pv.formal.source import BUILT_IN, digest
from pv.freshness import Freshness

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Claim, Contract

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TIMED = "falsification_tests: [{id: F-1, mutants: [{id: m, stage: s}], valid_for: 30d}]"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a folder of falsifiers and a file."""
    top = tmp_path / "project"
    (top / "falsifiers").mkdir(parents=True)
    (top / "falsifiers" / "f.py").write_text("x")
    (top / "d.bin").write_text("x")
    return top


@pytest.fixture
def claim(contract_of: Callable[..., Contract]) -> Claim:
    return contract_of().claims[0]


def config_of(root: Path, *falsifiers: Path) -> Config:
    return Config(root, (root / "contracts",), falsifiers or (root / "falsifiers",), root / "l.jsonl")


def fresh(root: Path) -> Freshness:
    return Freshness(config_of(root), NOW)


def entry(root: Path, name: str, kind: str = "data") -> dict[str, str]:
    return {"kind": kind, "path": name, "sha256": sha256(root / name)}


def row_of(claim: Claim, root: Path, *more: Any, **keys: Any) -> dict[str, Any]:
    """A row that rests on what the project holds now."""
    inputs = [entry(root, "falsifiers", "falsifiers"), *more]
    return {"fingerprint": claim.fingerprint, "verdict": "discharged", "inputs": inputs, **keys}


def test_what_rests_on_what_is_there_counts(root: Path, claim: Claim) -> None:
    data = entry(root, "d.bin")
    assert fresh(root).stale(row_of(claim, root, data), claim) == ""
    falsifier = {"path": "falsifiers/f.py", "sha256": sha256(root / "falsifiers/f.py")}
    assert fresh(root).stale(row_of(claim, root, data, falsifier=falsifier), claim) == ""
    itself = {"path": BUILT_IN, "sha256": digest()}
    assert fresh(root).stale(row_of(claim, root, falsifier=itself), claim) == ""


def test_a_claim_that_says_something_else_now_has_no_evidence(root: Path, claim: Claim) -> None:
    assert fresh(root).stale(row_of(claim, root, fingerprint="0"), claim) == "the claim has changed since"
    assert fresh(root).stale({}, claim) == "the claim has changed since"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("d.bin", "falsifier d.bin is in no folder of falsifiers"),
        ("falsifiers/../d.bin", "falsifier falsifiers/../d.bin is in no folder of falsifiers"),
        (None, "falsifier None is in no folder of falsifiers"),
        ("falsifiers/g.py", "falsifier falsifiers/g.py is missing"),
        ("falsifiers/f.py", "falsifier falsifiers/f.py has changed since"),
        (BUILT_IN, f"falsifier {BUILT_IN} has changed since"),
    ],
)
def test_a_falsifier_is_where_falsifiers_are_and_what_it_was(root: Path, claim: Claim, path: str, why: str) -> None:
    falsifier = {"path": path, "sha256": "0"}
    assert fresh(root).stale(row_of(claim, root, falsifier=falsifier), claim) == why


def test_the_falsifier_is_looked_at_before_other_files(root: Path, claim: Claim) -> None:
    gone = {"kind": "data", "path": "gone.bin", "sha256": "0"}
    falsifier = {"path": "falsifiers/f.py", "sha256": "0"}
    row = row_of(claim, root, gone, falsifier=falsifier)
    assert fresh(root).stale(row, claim) == "falsifier falsifiers/f.py has changed since"
    assert fresh(root).stale(row_of(claim, root, gone), claim) == "data gone.bin is missing"


def test_what_decides_now_must_have_been_there(root: Path, claim: Claim) -> None:
    row = row_of(claim, root)
    assert fresh(root).stale({**row, "inputs": []}, claim) == "falsifiers falsifiers was not there when it ran"
    for odd in (None, "falsifiers", {"path": "falsifiers"}, 7):
        assert fresh(root).stale({**row, "inputs": odd}, claim) == "falsifiers falsifiers was not there when it ran"
    assert fresh(root).stale({**row, "inputs": ["odd", 7, *row["inputs"]]}, claim) == ""
    (root / "conftest.py").write_text("x")
    assert fresh(root).stale(row, claim) == "conftest conftest.py was not there when it ran"
    assert fresh(root).stale({**row, "inputs": []}, claim) == "conftest conftest.py was not there when it ran"
    assert fresh(root).stale(row_of(claim, root, entry(root, "conftest.py")), claim) == ""


def test_the_conftest_files_are_those_above_the_contract(root: Path, contract_of: Callable[..., Contract]) -> None:
    below = contract_of("", "contracts/sub/base-v1").claims[0]
    beside = contract_of("", "other/base-v1").claims[0]
    (root / "contracts" / "sub").mkdir(parents=True)
    (root / "contracts" / "sub" / "conftest.py").write_text("x")
    seen = fresh(root)
    assert seen.stale(row_of(beside, root), beside) == ""
    assert seen.stale(row_of(below, root), below) == "conftest contracts/sub/conftest.py was not there when it ran"


def test_a_row_that_is_too_old_says_so_before_what_it_rests_on(
    root: Path, contract_of: Callable[..., Contract]
) -> None:
    claim = contract_of(TIMED).claims[0]
    old = {"started": (NOW - timedelta(days=41)).isoformat()}
    row = row_of(claim, root, {"kind": "data", "path": "gone.bin"}, **old)
    assert fresh(root).stale(row, claim) == "expired: valid for 30 d, seen 41 d ago"
    assert fresh(root).hides_older(row, claim)
    assert not fresh(root).hides_older({**row, "started": NOW.isoformat()}, claim)
    assert not fresh(root).hides_older({**row, "fingerprint": "0"}, claim)


def test_a_folder_counts_where_it_is_ours_alone(root: Path, claim: Claim, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "shared").mkdir()
    ours = "{} cannot be read: a folder that is not below the root of the project"
    for path in (tmp_path / "theirs", tmp_path, root):
        name = path.as_posix()
        row = row_of(claim, root, {"kind": "data", "path": name, "sha256": "0"})
        assert fresh(root).stale(row, claim) == ours.format(f"data {name}")
    row = row_of(claim, root, {"kind": "data", "path": "falsifiers", "sha256": sha256(root / "falsifiers")})
    assert fresh(root).stale(row, claim) == ""
    shared = {"kind": "falsifiers", "path": (tmp_path / "shared").as_posix(), "sha256": sha256(tmp_path / "shared")}
    seen = Freshness(config_of(root, tmp_path / "shared"), NOW)
    assert seen.stale(row_of(claim, root, shared), claim) == ""
    apart = tmp_path / "one.bin"
    apart.write_text("x")
    file = {"kind": "data", "path": apart.as_posix(), "sha256": sha256(apart)}
    assert fresh(root).stale(row_of(claim, root, file), claim) == ""


def test_what_cannot_be_read_says_why(root: Path, claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(name: str) -> str:
        return fresh(root).stale(row_of(claim, root, {"kind": "data", "path": name, "sha256": "0"}), claim)

    assert told("a\0b") == "data a\0b cannot be read: embedded null byte"
    (root / "circle").symlink_to(root / "circle")
    assert told("circle").startswith("data circle cannot be read: ")
    assert "circle" in told("circle").partition(": ")[2]
    assert told("d.bin/below").startswith("data d.bin/below cannot be read: Not a directory")
    falsifiers = sha256(root / "falsifiers")

    def refuse(path: Path) -> str:
        if path.name == "falsifiers":
            return falsifiers
        raise OSError("out of sorts")

    monkeypatch.setattr("pv.freshness.sha256", refuse)
    assert told("d.bin") == "data d.bin cannot be read: out of sorts"


def test_every_file_is_hashed_once_whatever_it_is_called(
    root: Path, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []

    def counting(path: Path) -> str:
        hashed.append(path)
        return sha256(path)

    monkeypatch.setattr("pv.freshness.sha256", counting)
    seen = fresh(root)
    row = row_of(claim, root, entry(root, "d.bin"), entry(root, "falsifiers/../d.bin"))
    assert [seen.stale(row, claim), seen.stale(row, claim)] == ["", ""]
    assert sorted(path.name for path in hashed) == ["d.bin", "falsifiers"]


def test_names_are_read_from_the_root_wherever_one_stands(
    root: Path, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_of(claim, root, entry(root, "d.bin"), falsifier={**entry(root, "falsifiers/f.py")})
    monkeypatch.chdir(root.parent)
    relative = Path("project")
    config = Config(relative, (relative / "contracts",), (relative / "falsifiers",), relative / "l.jsonl")
    assert Freshness(config, NOW).stale(row, claim) == ""


def test_the_clock_is_read_once_and_knows_its_zone(root: Path) -> None:
    begun = datetime.now(UTC)
    assert begun <= Freshness(config_of(root)).now <= datetime.now(UTC)
    assert fresh(root).now is NOW
