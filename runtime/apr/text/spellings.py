"""Tokens that are known by how they are spelled, where a file does not say what they are for.

Source: llama.cpp, `src/llama-vocab.cpp`, which goes by the same spellings, so that generation ends where it does there.
"""

from __future__ import annotations

# The end of a turn, the likeliest first: where a vocabulary has several, the first of these is taken.
END_OF_TURN = (
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<｜end▁of▁sentence｜>",  # noqa: RUF001 - DeepSeek's own characters
    "<|end_of_text|>",
    "<|endoftext|>",
)
END_OF_MESSAGE = ("<|eom_id|>",)
# whatever else a model says when it has nothing more to say
END_OF_GENERATION = frozenset(
    {
        *END_OF_TURN,
        *END_OF_MESSAGE,
        *("</s>", "<eos>", "[EOS]", "[e~["),
        *("<|return|>", "<|call|>", "<|calls|>", "<|flush|>"),
        *("<turn|>", "<|tool_response>"),
    }
)
# Parts of a text with a hole in it: under which keys a file names the token, and how it is spelled where the file does not.
# Where a vocabulary has several of one row, all of them count; llama.cpp takes whichever its hash table yields first.
FILL_IN_MIDDLE = {
    "pre": (("fim_pre", "prefix"), ("<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>")),  # noqa: RUF001
    "suf": (("fim_suf", "suffix"), ("<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>")),  # noqa: RUF001
    "mid": (("fim_mid", "middle"), ("<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>")),  # noqa: RUF001
    "pad": (("fim_pad",), ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]")),
    "rep": (("fim_rep",), ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>")),
    "sep": (("fim_sep",), ("<|file_sep|>",)),
}  # fmt: skip
# these stand between texts: generation ends there
FILL_IN_MIDDLE_ENDS = ("pad", "rep", "sep")
# always shown in text, whatever the file says of them
ALWAYS_SHOWN = ("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")
