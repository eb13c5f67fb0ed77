"""The jobs of the scaling curves: each makes its input of a size in a folder, and says which program works on it."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from status import CLAIM, CONTRACT, make_project, write_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
PV = [sys.executable, "-m", "pv"]
APR = [sys.executable, "-m", "apr"]


@dataclass(frozen=True)
class Job:
    """Something that grows.

    Attributes:
        name: what is counted on the horizontal axis.
        about: the command, for a title.
        sizes, quick: how many; the first of them is what a start costs, which is taken off.
        make: folder, size -> command; whatever it makes lies below that folder.
    """

    name: str
    about: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    make: Callable[[Path, int], list[str]]


def contracts(folder: Path, count: int) -> list[str]:
    """So many contracts of ten claims."""
    make_project(folder, count)
    return [*PV, "validate", "-qq", str(folder / "contracts")]


def claims(folder: Path, count: int) -> list[str]:
    """One contract with so many claims."""
    make_project(folder, 0)
    text = CONTRACT.format() + "".join(CLAIM.format(number=1, claim=claim) for claim in range(count))
    (folder / "contracts" / "large-v1.yaml").write_text(text, encoding="utf-8")
    return [*PV, "validate", "-qq", str(folder / "contracts")]


def statuses(folder: Path, count: int) -> list[str]:
    """A project of so many contracts with one whole run of all claims."""
    made = make_project(folder, count)
    write_ledger(folder / "ledger.jsonl", folder, made, 4 * len(made) + 2)
    return [*PV, "status", "--format", "json", "--ledger", str(folder / "ledger.jsonl")]


def lines(folder: Path, count: int) -> list[str]:
    """A ledger of so many lines over 20 contracts."""
    made = make_project(folder, 20)
    write_ledger(folder / "ledger.jsonl", folder, made, count)
    return [*PV, "status", "--format", "json", "--ledger", str(folder / "ledger.jsonl")]


def tokens(folder: Path, count: int) -> list[str]:
    """A prompt of so many tokens, through every stage of a small model."""
    return traced(folder, 8, count, 1024)


def layers(folder: Path, count: int) -> list[str]:
    """A small model of so many layers, every stage at 32 tokens."""
    return traced(folder, count, 32, 512)


def traced(folder: Path, depth: int, length: int, width: int) -> list[str]:
    """Every stage of a made-up llama saved; the wider it is, the less of its time goes into what a start costs."""
    sys.path.append(str(ROOT / "fixtures"))
    from tinymodels import Spec, write_model  # noqa: PLC0415 - brings numpy and gguf along

    folder.mkdir(parents=True)
    sizes = Spec(
        hidden=width, feed_forward=2 * width, heads=width // 64, kv_heads=width // 128, layers=depth, context=1024
    )
    model = write_model(folder / "model.gguf", dataclasses.replace(sizes, architecture="llama", weights="Q8_0"))
    prompt = ",".join(str(7 * number % 200 + 3) for number in range(length))
    command = [*APR, "trace", str(model), "--tokens", prompt, "--save-tensor", "all", "--save-tensor-layers", "all"]
    return [*command, "--output", str(folder / "stages")]


JOBS = (
    Job("claims", "pv validate, one contract", (1, 400, 800, 1600, 3200, 6400), (1, 20, 40, 80), claims),
    Job("contracts", "pv validate, ten claims a contract", (1, 50, 100, 200, 400, 800), (1, 4, 8, 16), contracts),
    Job("contracts of a run", "pv status, ten claims a contract", (1, 50, 100, 200, 400, 800), (1, 4, 8, 16), statuses),
    Job(
        "lines", "pv status, 200 claims", (1000, 32000, 64000, 128000, 256000, 512000), (1000, 2000, 3000, 5000), lines
    ),
    Job(
        "tokens",
        "apr trace, all stages of eight layers",
        (1, 64, 128, 192, 256, 384, 512, 768, 1024),
        (1, 8, 16, 32),
        tokens,
    ),
    Job("layers", "apr trace, all stages at 32 tokens", (1, 4, 8, 16, 32, 64), (1, 2, 4, 8), layers),
)
