"""Finding models, sound or with a claim's mutant planted: its functions, the program, and small model files to be found."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv import Evidence, Mutant

RUNTIME = Path(__file__).resolve().parents[2] / "runtime" / "apr"
_TOKENS = ["<unk>", "a", "b"]
_APR = {
    "model_type": "llama", "architecture": "llama", "hidden_size": 4, "num_layers": 1, "num_heads": 1, "num_kv_heads": 1,
    "intermediate_size": 4, "vocab_size": 3, "max_position_embeddings": 8, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    "rope_type": 0, "total_size": 48, "param_count": 12, "tied_embeddings": True,
}  # fmt: skip
_APR_TOKENIZER = {"tokenizer.model_type": "gpt2", "tokenizer.vocabulary": _TOKENS, "tokenizer.merges": ["a b"]}


@dataclass(frozen=True)
class Finding:
    """What finds models; the functions are asked for anew at each call, so that a planted fault is in them.

    Attributes:
        planted: the mutant's name, or None.
    """

    planted: str | None

    def candidate(
        self, name: str, *, folder: int = 0, mtime_ns: int = 0, health: str = "valid", path: Path | None = None
    ) -> Any:
        """A candidate that was opened: health is `valid`, `no_tokenizer` or `unusable`."""
        from apr.discovery import Candidate, Health

        kind = "apr" if name.endswith(".apr") else "gguf"
        where = path or Path("/folders") / str(folder) / name
        return Candidate(where, folder, kind, 1, mtime_ns, Health[health.upper()], health)

    def in_order(self, candidates: Sequence[Any]) -> list[Any]:
        """The candidates, the best first."""
        from apr.discovery import order

        return order.in_order(candidates)

    def best(self, candidates: Sequence[Any]) -> Any:
        """The one that is chosen, or None."""
        from apr.discovery import order

        return order.best(candidates)

    def aliases(self, own: Path) -> dict[str, Any]:
        """The alias table, with entries of one's own."""
        from apr.cache import aliases

        return aliases.load_aliases(own)

    def refused(self, question: Any) -> str | None:
        """What a question is refused with; None where it is answered."""
        from apr.errors import AprError

        try:
            question()
        except AprError as error:
            return str(error)
        return None

    def find_alias(self, name: str, table: dict[str, Any]) -> Any:
        """The entry of an alias."""
        from apr.cache import aliases

        return aliases.find_alias(name, table)

    def write(self, path: Path, *, tokenizer: bool = True, mtime_ns: int | None = None) -> Path:
        """Writes a model of the format that its name says."""
        (_write_apr if path.suffix == ".apr" else _write_gguf)(path, tokenizer)
        if mtime_ns is not None:
            self.touch(path, mtime_ns)
        return path

    def touch(self, path: Path, mtime_ns: int) -> None:
        """Says when a file was last changed."""
        os.utime(path, ns=(mtime_ns, mtime_ns))

    def program(self, *arguments: str | Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the real program with a home, a cache and a current folder of its own."""
        module = ["apr"] if self.planted is None else ["apr.mutants.discovery", self.planted]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("APR_")}
        own = {"HOME": str(home), "APR_CACHE_DIR": str(home / "cache"), "PYTHONPATH": str(RUNTIME.parent)}
        return subprocess.run(
            [sys.executable, "-m", *module, *map(str, arguments)],
            cwd=home,
            env=kept | own | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )


def _write_gguf(path: Path, tokenizer: bool) -> None:
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "llama")
    if tokenizer:
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list(_TOKENS)
    writer.add_tensor("token_embd.weight", np.zeros((3, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_apr(path: Path, tokenizer: bool) -> None:
    from apr.formats.apr.dtypes import Dtype
    from apr.formats.apr.writer import write_apr

    metadata = _APR | (_APR_TOKENIZER if tokenizer else {})
    write_apr(path, metadata, [("model.embed_tokens.weight", Dtype.F32, (3, 4), bytes(48))])


@pytest.fixture
def finding(mutant: Mutant | None, evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """Finding models, with the claim's mutant planted in it if there is one."""
    from apr.mutants.discovery import MUTANTS

    evidence.input("source", RUNTIME)
    monkeypatch.delenv("APR_PREFERRED_MODELS", raising=False)
    if mutant is None or mutant.id not in MUTANTS:
        return Finding(None)
    MUTANTS[mutant.id].plant(monkeypatch.setattr)
    return Finding(mutant.id)
