"""Places as a ledger names them."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from pv.naming import name_of, path_of, unplaced

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The root of a project and a home beside it."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", "/var/elsewhere")  # the real one is above both
    monkeypatch.setattr(sys, "prefix", str(root / "venv"))
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    return root, home


def test_a_name_leads_back_to_the_file(places: tuple[Path, Path]) -> None:
    root, home = places
    for path, name in {
        root / "a/b.py": "a/b.py",
        home / "models/m.gguf": "~/models/m.gguf",
        root / "~/odd.py": "./~/odd.py",
        root / "{env}/odd.py": "./{env}/odd.py",
        root / "venv/lib/x.so": "{env}/lib/x.so",
        root.parent / "elsewhere.so": (root.parent / "elsewhere.so").as_posix(),
    }.items():
        assert name_of(path, root) == name
        assert path_of(name, root) == path


def test_a_project_below_the_home_names_its_own_files_from_its_root(places: tuple[Path, Path]) -> None:
    _, home = places
    assert name_of(home / "work/a.py", home / "work") == "a.py"


def test_another_home_has_another_file(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    root, home = places
    monkeypatch.setenv("HOME", str(home / "other"))
    assert path_of("~/m.gguf", root) == home / "other/m.gguf"


def test_texts_lose_the_places_of_the_machine(places: tuple[Path, Path]) -> None:
    root, home = places
    session = f"{tempfile.gettempdir()}/pytest-of-someone/pytest-12/popen-gw1/x0"
    told = {
        "message": f'File "{root}/runtime/a.py", line 3; see {home}/m.gguf',
        "list": [f"{session}/same.bin: exit 1", 3, None, f"{root}/venv/lib/h.py:3"],
        "kept": f"x{root}/a.py and {root}er/b.py",
    }
    assert unplaced(told, root) == {
        "message": 'File "runtime/a.py", line 3; see ~/m.gguf',
        "list": ["{tmp}/x0/same.bin: exit 1", 3, None, "{env}/lib/h.py:3"],
        "kept": f"x{root}/a.py and {root}er/b.py",
    }


def test_where_there_is_no_environment_of_its_own_a_library_is_named_in_full(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = places
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert name_of(root / "venv/lib/x.so", root) == "venv/lib/x.so"
    monkeypatch.setattr(sys, "prefix", str(root.parent))  # an environment that has the project in it
    assert name_of(root / "a.py", root) == "a.py"


def test_who_has_no_home_has_none_named(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    root, home = places
    monkeypatch.setenv("HOME", "/")  # as daemons have it
    assert name_of(home / "m.gguf", root) == (home / "m.gguf").as_posix()
    assert unplaced(f"{home}/m.gguf", root) == f"{home}/m.gguf"
