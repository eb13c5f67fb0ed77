"""`apr run`: generates text from a prompt."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apr.cache import resolve_model
from apr.commands.choosing import add_sampling, at_least_one, prompt_of, sampling_of, show_text
from apr.console import escape, is_terminal
from apr.engines.answering import answer, generating
from apr.errors import OK, UsageError
from apr.formats import open_model
from apr.ops.arithmetic import ARITHMETICS, GGML
from apr.text.chat import ChatTemplate, encode_chat, render_chat
from apr.text.sampling import Sampling, sampler
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from apr.engines.answering import Answer
    from apr.engines.llama_cpp.engine import LlamaCpp
    from apr.engines.reference import Reference
    from apr.formats.model_file import ModelFile

_LIMIT = 128  # new tokens, where none is asked for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a .gguf or .apr file, a safetensors folder, or an alias")
    text = parser.add_argument_group("what to continue")
    text.add_argument("--prompt", metavar="TEXT", required=True, help="`-` reads it from standard input")
    text.add_argument(
        "--chat", action="store_true", help="the prompt is a user's message for the model's chat template"
    )
    text.add_argument("--system", metavar="TEXT", help="with --chat: the system's message before it")
    add_sampling(parser)
    end = parser.add_argument_group("where it ends")
    end.add_argument("--max-tokens", metavar="N", default=str(_LIMIT), help=f"default: {_LIMIT}")
    end.add_argument("--ignore-eos", action="store_true", help="go on after the tokens that end a text")
    run = parser.add_argument_group("what to run it with")
    run.add_argument("--engine", choices=("numpy", "llama.cpp"), default="numpy", help="default: numpy")
    run.add_argument("--arithmetic", choices=tuple(ARITHMETICS), help="default f32, for llama.cpp always ggml")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end instead of the text")


def run(args: argparse.Namespace) -> int:
    """Runs the command; arguments are checked before the model is opened."""
    sampling = sampling_of(args)
    limit = at_least_one(args.max_tokens, "--max-tokens", "a number of tokens")
    if args.system is not None and not args.chat:
        raise UsageError("goes with --chat", where="--system")
    if args.engine != "numpy" and args.arithmetic not in (None, GGML.name):
        raise UsageError(
            f"llama.cpp computes in its own arithmetic, not in {args.arithmetic!r}",
            where="--arithmetic",
            hint="leave it out",
        )
    prompt = prompt_of(args.prompt, "--prompt")
    file = open_model(resolve_model(args.model))
    tokenizer = Tokenizer.from_file(file)
    tokens = _encode_chat(file, tokenizer, args.system, prompt) if args.chat else tokenizer.encode(prompt)
    for note in tokenizer.special.notes:
        sys.stderr.write(f"note: {escape(note)}\n")
    with contextlib.ExitStack() as stack:
        engine = generating(args.engine, file, args.arithmetic or "f32", stack)
        made = answer(
            engine,
            tokenizer,
            tokens,
            sampler(sampling),
            limit,
            stop=frozenset() if args.ignore_eos else tokenizer.special.stop,
            show=None if args.json else show_text,
        )
    if args.json:
        print(json.dumps(_as_json(args, engine, tokenizer, tokens, sampling, made, str(file.path)), allow_nan=False))
    else:
        print()
        if is_terminal(sys.stderr):
            sys.stderr.write(f"{_summary(tokens, made)}\n")
    return OK


def _encode_chat(file: ModelFile, tokenizer: Tokenizer, system: str | None, message: str) -> list[int]:
    special = tokenizer.special
    bos, eos = ("" if index is None else tokenizer.tokens[index] for index in (special.bos, special.eos))
    messages = [] if system is None else [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": message})
    return encode_chat(tokenizer, render_chat(ChatTemplate.of(file), messages, bos=bos, eos=eos))


def _summary(prompt: Sequence[int], made: Answer) -> str:
    """For people, on standard error."""
    reading, writing = made.seconds
    later = len(made.tokens) - (made.stop != "stop")
    speed = f", {later / writing:.1f} tokens/s" if later > 0 and writing > 0 else ""
    ended = {"stop": "a token that ends the text", "limit": "--max-tokens", "context": "the end of the model's context"}
    return f"{len(prompt)} prompt tokens in {reading:.1f} s, {len(made.tokens)} new{speed}; ended by {ended[made.stop]}"


def _as_json(
    args: argparse.Namespace,
    engine: Reference | LlamaCpp,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    sampling: Sampling | None,
    made: Answer,
    path: str,
) -> dict[str, Any]:
    return {
        "schema": "apr-run-v1",
        "model": path,
        "engine": engine.name,
        "build": engine.build,
        "arithmetic": engine.arithmetic,
        "chat": args.chat,
        "prompt_tokens": list(prompt),
        "sampling": None if sampling is None else asdict(sampling),
        "tokens": made.tokens,
        "text": made.text,
        "stop": made.stop,
        "notes": list(tokenizer.special.notes),
        "seconds": {"prompt": made.seconds[0], "tokens": made.seconds[1]},
    }
