"""Whether a llama.cpp library has the kernels that arithmetic `exact` reproduces: it is asked, never assumed.

Instruction sets, compilers and releases change the order of additions. So two tiny models that reach every kernel
(`apr.engines.llama_cpp.probe_models`) are run free by both sides, with as many positions as each kernel starts and ends at;
every stage must agree in every bit.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apr.engines.llama_cpp import probe_models
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.llama_cpp.providers import find_provider
from apr.engines.reference import Reference
from apr.errors import OracleError
from apr.formats import open_model
from apr.ops.arithmetic import EXACT, Arithmetic

if TYPE_CHECKING:
    from apr.capture import Capture
    from apr.engines.llama_cpp.providers import Provider

# either side of every number at which a kernel gives way to another: one has `ggml_vec_dot` alone; from 2 on there is tinyBLAS;
# from 8 on super-blocks are tiled, with 17 those of some experts too; 32 keys fill a step of attention's sums
POSITIONS = (1, 2, 5, 7, 8, 17, 32)
_INSTRUCTIONS = ("AVX2", "FMA", "F16C")  # what the kernels are written with
_OTHER = ("AVX512", "AVX_VNNI", "NEON", "SVE")  # what brings other ones


@dataclass(frozen=True)
class Exactness:
    """What the self-test showed.

    Attributes:
        build: of the library.
        stages: compared bit by bit.
        elements: in them.
    """

    build: str
    stages: int
    elements: int


def check(provider: Provider | None = None, arithmetic: Arithmetic = EXACT) -> Exactness:
    """Runs the self-test; a library's answer is kept as long as its bytes stay the same.

    Args:
        provider: which library; by default the first one found.
        arithmetic: what is held against it.

    Raises:
        OracleAbsent: no library.
        OracleError: a stage differs, or the library cannot be run: nothing may be concluded from `exact` with it.
    """
    found = provider or find_provider()
    return _checked(found, found.build, arithmetic)


@lru_cache(maxsize=8)
def _checked(provider: Provider, build: str, arithmetic: Arithmetic) -> Exactness:
    stages = elements = 0
    with tempfile.TemporaryDirectory(prefix="apr-exact-") as folder:
        for architecture in probe_models.ARCHITECTURES:
            file = open_model(probe_models.write(Path(folder) / f"{architecture}.gguf", architecture))
            subject = Reference(file, arithmetic)
            with LlamaCpp(file, provider) as oracle:
                for count in POSITIONS:
                    tokens = [(11 * n + 5) % probe_models.VOCABULARY for n in range(count)]
                    theirs = oracle.capture(tokens)
                    _compare(subject.capture(tokens), theirs, oracle)
                    stages += len(theirs.stages)
                    elements += sum(array.size for array in theirs.stages.values())
    return Exactness(build, stages, elements)


def _compare(ours: Capture, theirs: Capture, oracle: LlamaCpp) -> None:
    """Every stage in every bit.

    Raises:
        OracleError: the first that differs, and what the library says it was built for.
    """
    for key in ours.keys_in_order():
        mine, other = (np.ascontiguousarray(side[key]).view(np.uint32) for side in (ours, theirs))
        different = int((mine != other).sum())
        if different:
            missing = [name for name in _INSTRUCTIONS if name not in oracle.instructions]
            foreign = [name for name in _OTHER if name in oracle.instructions]
            reason = (
                f"it was built without {', '.join(missing)}"
                if missing
                else f"it was built for {', '.join(foreign)}"
                if foreign
                else "its release or its compiler orders additions otherwise"
            )
            raise OracleError(
                f"arithmetic `exact` is not this library's: {different} of {mine.size} elements of {key} differ in a "
                f"self-test of {len(ours.provenance.tokens)} positions; {reason}",
                where=oracle.build,
                hint="use --arithmetic ggml with it, or a build for AVX2 such as xllamacpp's",
            )
