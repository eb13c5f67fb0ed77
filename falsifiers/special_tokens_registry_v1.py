"""Falsifiers of `special-tokens-registry-v1`: made-up files of every architecture, and llama.cpp's view of real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from pv import Evidence

CONTRACT = "special-tokens-registry-v1"
# Written here once more, from the models' own configurations: the registry's table is what is judged.
TABLE: dict[str, tuple[int | None, int | None]] = {
    "llama": (128000, 128001),
    "qwen2": (151643, 151645),
    "qwen3": (151643, 151645),
    "qwen3moe": (151643, 151645),
    "qwen3_5": (None, 248044),
    "mistral": (1, 2),
    "gemma": (2, 1),
    "deepseek": (0, None),
    "phi2": (None, 50256),
    "phi3": (1, 32000),
    "gpt2": (None, 50256),
}
UNKNOWN = "made-up"
SIZE = 40
EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)
SMALL = ("llama-spm-q8_0", "llama-q4_k_m", "qwen2-q4_k_m", "qwen3moe-q4_k_m")
# chats of several families: what ends a turn, a message, a text, and what stands between files
FAMILIES = (
    ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|start_header_id|>"),
    ("<s>", "</s>", "<|user|>", "<|assistant|>", "<|end|>"),
    ("<|start|>", "<|end|>", "<|return|>", "<|call|>", "<|channel|>", "<|message|>"),
    ("<|fim_prefix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|endoftext|>"),
    ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
    ("[EOS]", "[EOT]", "[PAD]", "<end_of_utterance>", "<|tool|>"),
)
TEXTS = (
    "{0}", "a{0}b", " {0} ", "{0}{0}", "{0}user\nhi there{1}\n{0}assistant\n", "no marker at all", "", "{1}x{0}", "é{0}日本", "x{0}\n{1}",
)  # fmt: skip


@falsifies(CONTRACT, "FALSIFY-ST-001")
def what_the_file_states_wins(evidence: Evidence, registry: Any, stated_file: Any) -> None:
    """Any two ids, of which 0 is one, in a vocabulary where every token is special."""
    evidence.level("algorithm")
    tokens = [f"<{index}>" for index in range(SIZE)]
    ids = st.integers(0, SIZE - 1)

    @EXAMPLES
    @given(st.sampled_from([*TABLE, UNKNOWN]), ids, ids)
    def check(architecture: str, bos: int, eos: int) -> None:
        file = stated_file(architecture, tokens, range(SIZE), bos_token_id=bos, eos_token_id=eos)
        found = registry.special(file)
        evidence.compared(2, "ids")
        for stage, seen, expected in (("bos", found.bos, bos), ("eos", found.eos, eos)):
            if seen != expected:
                raise Refuted(f"{architecture}: {seen}, the file states {expected}", stage=stage)
        if found.notes:
            raise Refuted(f"{architecture}: {found.notes[0]}", stage="notes")

    check()


def _vocabulary(architecture: str) -> list[str]:
    """As many tokens as the architecture's defaults need, and a few more."""
    size = max((index for index in TABLE.get(architecture, ()) if index is not None), default=0) + 3
    return [f"t{index}" for index in range(size)]


@falsifies(CONTRACT, "FALSIFY-ST-002")
def a_silent_file_gets_its_default(evidence: Evidence, registry: Any, stated_file: Any) -> None:
    """Each architecture, and one that nobody knows, with special tokens at the places of the defaults."""
    evidence.level("algorithm")
    for architecture in (*TABLE, UNKNOWN):
        bos, eos = TABLE.get(architecture, (None, None))
        special = [index for index in (bos, eos) if index is not None]
        found = registry.special(stated_file(architecture, _vocabulary(architecture), special))
        for stage, seen, expected in (("bos", found.bos, bos), ("eos", found.eos, eos)):
            evidence.compared(1, "ids")
            if seen != expected:
                raise Refuted(f"{architecture}: {stage} is {seen}, expected {expected}", stage=stage)
            about = [note for note in found.notes if stage.upper() in note and architecture in note]
            told = about and (expected is None or str(expected) in about[0])
            evidence.compared(1, "notes")
            if not told:
                raise Refuted(f"{architecture}: no note says that {stage} is {expected}", stage="notes")
        if eos is not None and eos not in found.stop:
            raise Refuted(f"{architecture}: generation does not stop at {eos}", stage="stop")


@falsifies(CONTRACT, "FALSIFY-ST-003")
def a_default_that_cannot_be_right_is_not_taken(evidence: Evidence, registry: Any, stated_file: Any) -> None:
    """Each architecture over ordinary words, and over a vocabulary that ends before its defaults."""
    evidence.level("algorithm")
    for architecture, (bos, eos) in TABLE.items():
        first = min(index for index in (bos, eos) if index is not None)
        for tokens in (_vocabulary(architecture), _vocabulary(architecture)[: max(first, 1)]):
            found = registry.special(stated_file(architecture, tokens))
            evidence.compared(2, "ids")
            for stage, seen in (("bos", found.bos), ("eos", found.eos)):
                if seen is not None:
                    raise Refuted(f"{architecture}: {stage} is {seen} among {len(tokens)} words", stage=stage)
            if found.stop:
                raise Refuted(f"{architecture}: generation stops at {sorted(found.stop)}", stage="stop")


@falsifies(CONTRACT, "FALSIFY-ST-004")
def generation_stops_where_llama_cpp_stops(
    evidence: Evidence,
    registry: Any,
    llama_vocabulary: Any,
    opened_model: Any,
    written_vocabulary: Any,
    small_path: Any,
    model_path: Path,
) -> None:
    """Every id of every vocabulary: it stops generation in both, or in neither."""
    evidence.level("independent")
    written = [written_vocabulary(family, bos=family[0], eos=family[-1]) for family in FAMILIES]
    for path in (*map(small_path, SMALL), *written, model_path):
        theirs = llama_vocabulary(path).described
        ours = registry.special(opened_model(path)).stop
        evidence.compared(len(theirs.pieces), "tokens")
        for index in sorted(ours ^ theirs.ends):
            who = "only we stop" if index in ours else "only llama.cpp stops"
            raise Refuted(f"{path.name}: {who} at {index}, {theirs.pieces[index]!r}", stage="stop")


@falsifies(CONTRACT, "FALSIFY-ST-005")
def special_tokens_stand_as_in_llama_cpp(
    evidence: Evidence,
    registry: Any,
    llama_vocabulary: Any,
    opened_model: Any,
    written_vocabulary: Any,
    small_path: Any,
    model_path: Path,
) -> None:
    """Texts with each vocabulary's own special tokens in them."""
    evidence.level("independent")
    written = [written_vocabulary(family, bos=family[0], eos=family[-1]) for family in FAMILIES]
    for path in (*map(small_path, SMALL), *written, model_path):
        oracle = llama_vocabulary(path)
        tokenizer = registry.tokenizer(opened_model(path))
        special = [tokenizer.tokens[index] for index in sorted({*tokenizer.special.stop, 0, 1, 2})]
        texts = [text.format(a, b) for text in TEXTS for a in special[:4] for b in special[-2:]]
        for text, theirs in zip(texts, oracle.tokenize(texts), strict=True):
            ours = tokenizer.encode(text)
            evidence.compared(len(theirs), "tokens")
            if ours != theirs:
                evidence.counterexample(text)
                place = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(theirs))
                raise Refuted(
                    f"{path.name}: {text!r} is {ours}, llama.cpp has {theirs}", stage="tokens", position=place
                )
