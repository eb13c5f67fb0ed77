"""Which benchmarks there are, with how long each may take, and what is asked of it in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """A script of this folder.

    Attributes:
        name: of the script, without `.py`.
        about: what it measures, in a few words.
        seconds: after so long it is ended; several times what it takes on two quiet cores.
        arguments: given to it beside `--json` and `--quick`; a quick run has those of `quick`.
    """

    name: str
    about: str
    seconds: int
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


CATALOGUE = (
    Benchmark("start", "what each command takes to start", 300),
    Benchmark("validate", "pv validate beside libyaml", 600, ("--rounds", "5")),
    Benchmark("schema_check", "the compiled check beside jsonschema", 120),
    Benchmark("status", "pv status on a large project; what the ledger and the plugin cost", 300, ("--rounds", "1")),
    Benchmark("properties", "an example of an executable claim", 180),
    Benchmark("trace_validate", "ccpa validate on long traces", 120),
    Benchmark("trace_meter", "ccpa corpus, and alignments of long traces", 240),
    Benchmark("open_models", "opening models", 300),
    Benchmark("hostile", "files made to keep readers busy", 120),
    Benchmark("diff_memory", "apr diff of two large files", 120),
    Benchmark("dequantise", "decoding weights", 240),
    Benchmark("compare", "comparing two captures", 240),
    Benchmark("capture", "capturing every stage of llama.cpp", 180),
    Benchmark("parity", "a parity measurement beside a plain run", 180),
    Benchmark("forward", "a numpy forward pass beside transformers", 180),
    Benchmark("exact", "a free run that is bit-identical to llama.cpp", 120),
    Benchmark("small_faults", "which small faults are found", 300, ("--free",)),
    Benchmark("honest", "alarms in honest comparisons", 600),
    Benchmark("spread", "stages one by one, and spread over two workers", 400, ("--simulate",)),
    Benchmark("memory", "memory of apr trace on large models", 400),
    Benchmark("library", "the library of contracts, 1,000 examples a claim", 600),
    Benchmark("scaling", "how time grows with claims, contracts, lines, tokens and layers", 400),
)
