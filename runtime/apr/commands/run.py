"""`apr run`: generates text from a prompt."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from apr.cache import resolve_model
from apr.console import escape, is_terminal
from apr.engines.generation import generate
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.reference import Reference
from apr.errors import OK, UsageError
from apr.formats import open_model
from apr.models import load
from apr.ops.arithmetic import ARITHMETICS, GGML, arithmetic
from apr.stages import whole_number
from apr.text.chat import ChatTemplate, encode_chat, render_chat
from apr.text.sampling import Sampling, sampler
from apr.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from apr.formats.model_file import ModelFile

_LIMIT = 128  # new tokens, where none is asked for
# what text needs and no terminal minds: ends of lines, tabs, and the joiners of Persian, Indic scripts and emoji
_HARMLESS = "\n\t\u200c\u200d"
_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a .gguf or .apr file, a safetensors folder, or an alias")
    text = parser.add_argument_group("what to continue")
    text.add_argument("--prompt", metavar="TEXT", required=True, help="`-` reads it from standard input")
    text.add_argument(
        "--chat", action="store_true", help="the prompt is a user's message for the model's chat template"
    )
    text.add_argument("--system", metavar="TEXT", help="with --chat: the system's message before it")
    choice = parser.add_argument_group("how tokens are chosen")
    choice.add_argument("--greedy", action="store_true", help="always the likeliest token; this is the default")
    choice.add_argument("--temperature", metavar="T", type=float, help="sample, with logits divided by T")
    choice.add_argument("--top-k", metavar="K", type=int, help="sample among the K likeliest")
    choice.add_argument("--top-p", metavar="P", type=float, help="sample among the likeliest that make up P")
    choice.add_argument(
        "--min-p", metavar="P", type=float, help="sample among those at least P times as likely as the first"
    )
    choice.add_argument("--seed", metavar="N", type=int, help="of the sampling; default 0, so that runs repeat")
    end = parser.add_argument_group("where it ends")
    end.add_argument("--max-tokens", metavar="N", default=str(_LIMIT), help=f"default: {_LIMIT}")
    end.add_argument("--ignore-eos", action="store_true", help="go on after the tokens that end a text")
    run = parser.add_argument_group("what to run it with")
    run.add_argument("--engine", choices=("numpy", "llama.cpp"), default="numpy", help="default: numpy")
    run.add_argument("--arithmetic", choices=tuple(ARITHMETICS), help="default f32, for llama.cpp always ggml")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end instead of the text")


@dataclass
class Answer:
    """What was generated.

    Attributes:
        tokens: ids, without the one that ended the text.
        text: of these tokens.
        stop: why it ended: `stop` (a token that ends a text), `limit`, or `context` (no room left).
        seconds: of the prompt, and of the tokens after the first.
    """

    tokens: list[int] = field(default_factory=list)
    text: str = ""
    stop: str = "limit"
    seconds: tuple[float, float] = (0.0, 0.0)


def run(args: argparse.Namespace) -> int:
    """Runs the command; arguments are checked before the model is opened."""
    sampling = _sampling(args)
    limit = whole_number(args.max_tokens.strip(), "--max-tokens", "a number of tokens")
    if not limit:
        raise UsageError("must be 1 or more", where="--max-tokens")
    if args.system is not None and not args.chat:
        raise UsageError("goes with --chat", where="--system")
    if args.engine != "numpy" and args.arithmetic not in (None, GGML.name):
        raise UsageError(
            f"llama.cpp computes in its own arithmetic, not in {args.arithmetic!r}",
            where="--arithmetic",
            hint="leave it out",
        )
    if args.prompt == "-" and sys.stdin is None:
        raise UsageError("standard input is closed", where="--prompt -")
    prompt = sys.stdin.read() if args.prompt == "-" else args.prompt
    file = open_model(resolve_model(args.model))
    tokenizer = Tokenizer.from_file(file)
    tokens = _encode_chat(file, tokenizer, args.system, prompt) if args.chat else tokenizer.encode(prompt)
    for note in tokenizer.special.notes:
        sys.stderr.write(f"note: {escape(note)}\n")
    with contextlib.ExitStack() as stack:
        engine: Reference | LlamaCpp
        if args.engine == "numpy":
            rounding = arithmetic(args.arithmetic or "f32")
            engine = Reference(file, rounding, load(file, rounding, ProvedDequantiser(file)))
        else:
            engine = stack.enter_context(LlamaCpp(file))
        answer = _answer(engine, tokenizer, tokens, sampling, limit, ignore_eos=args.ignore_eos, silent=args.json)
    if args.json:
        print(json.dumps(_as_json(args, engine, tokenizer, tokens, sampling, answer, str(file.path)), allow_nan=False))
    else:
        print()
        if is_terminal(sys.stderr):
            sys.stderr.write(f"{_summary(tokens, answer)}\n")
    return OK


def _sampling(args: argparse.Namespace) -> Sampling | None:
    """How to sample; None for greedy."""
    given = {name: getattr(args, name) for name in _SAMPLING if getattr(args, name) is not None}
    if args.greedy and given:
        raise UsageError("is greedy or sampled, not both", where=f"--greedy, --{next(iter(given)).replace('_', '-')}")
    return Sampling(**given) if given else None


def _encode_chat(file: ModelFile, tokenizer: Tokenizer, system: str | None, message: str) -> list[int]:
    special = tokenizer.special
    bos, eos = ("" if index is None else tokenizer.tokens[index] for index in (special.bos, special.eos))
    messages = [] if system is None else [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": message})
    return encode_chat(tokenizer, render_chat(ChatTemplate.of(file), messages, bos=bos, eos=eos))


def _answer(
    engine: Reference | LlamaCpp,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    sampling: Sampling | None,
    limit: int,
    *,
    ignore_eos: bool,
    silent: bool,
) -> Answer:
    """Generates, and prints the text as it comes unless it is to be silent."""
    answer, shown = Answer(), tokenizer.stream(prompt)
    session = engine.session(len(prompt) + limit)
    stop = frozenset() if ignore_eos else tokenizer.special.stop
    begin, first = time.perf_counter(), 0.0

    def show(text: str) -> None:
        answer.text += text
        if not silent:
            sys.stdout.write(escape(text, keep=_HARMLESS) if is_terminal(sys.stdout) else text)
            sys.stdout.flush()

    for step in generate(session, prompt, sampler(sampling), stop, limit):
        first = first or time.perf_counter()
        if step.stops:
            answer.stop = "stop"
        else:
            answer.tokens.append(step.token)
            show(shown.feed(step.token))
    show(shown.finish())
    if answer.stop != "stop" and len(answer.tokens) < limit:
        answer.stop = "context"
    answer.seconds = (first - begin, time.perf_counter() - first)
    return answer


def _summary(prompt: Sequence[int], answer: Answer) -> str:
    """For people, on standard error."""
    reading, writing = answer.seconds
    later = len(answer.tokens) - (answer.stop != "stop")
    speed = f", {later / writing:.1f} tokens/s" if later > 0 and writing > 0 else ""
    ended = {"stop": "a token that ends the text", "limit": "--max-tokens", "context": "the end of the model's context"}
    return f"{len(prompt)} prompt tokens in {reading:.1f} s, {len(answer.tokens)} new{speed}; ended by {ended[answer.stop]}"


def _as_json(
    args: argparse.Namespace,
    engine: Reference | LlamaCpp,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    sampling: Sampling | None,
    answer: Answer,
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
        "tokens": answer.tokens,
        "text": answer.text,
        "stop": answer.stop,
        "notes": list(tokenizer.special.notes),
        "seconds": {"prompt": answer.seconds[0], "tokens": answer.seconds[1]},
    }
