"""The command line `apr`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "run": "continue a text with a model",
    "code": "let a model work in a folder with tools, and write down what it did",
    "trace": "run a model and save named stages of its forward pass",
    "diff": "compare two stage files or two folders of them",
    "parity": "hold one engine against another and name the first fault",
    "validate": "make numbered checks of model files, from the magic to dead rows",
    "inspect": "show what a model file says about itself",
    "import": "write a model as an .apr file",
    "export": "write a model as a GGUF file",
    "pull": "download a model by its alias, checked against its hash",
    "list": "show the aliases and which of their models are here",
    "find": "print which model is meant where none is named, and why that one",
}
APR = Program("apr", "Run, trace and compare LLM inference engines stage by stage.", COMMANDS, "apr.commands")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command of `apr`.

    Args:
        argv: the arguments without the program's name; None takes them from the process.

    Returns:
        The exit code, see `apr.program`.
    """
    return APR.main(argv)
