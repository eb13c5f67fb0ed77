"""The libraries torch and transformers: found, quiet, on one thread, and in float64 where that is asked for."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from apr.errors import OracleAbsent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_NEEDED = ("torch", "transformers")


def is_installed() -> bool:
    """Whether both libraries are there; none is loaded."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def libraries() -> tuple[Any, Any]:
    """The modules torch and transformers; loading them takes seconds.

    Raises:
        OracleAbsent: one of them is not installed, or cannot be loaded.
    """
    try:
        torch, transformers = (importlib.import_module(name) for name in _NEEDED)
    except ImportError as error:
        raise OracleAbsent(
            f"transformers cannot be asked: {error}", hint="install torch and transformers: the extra [transformers]"
        ) from error
    return torch, transformers


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers from showing bars and warnings, which are about training and about the network."""
    _, transformers = libraries()
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Holds torch to one thread, so that sums have one order, and to no gradients."""
    torch, _ = libraries()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def widened(wide: bool) -> Iterator[None]:
    """Where float64 is wanted, torch takes every mention of float32 for float64.

    A model of transformers that was cast to float64 still rounds: norms, the rotation, the softmax of attention and that
    of the router name float32 in their code. Under this they run as they stand, in float64.
    """
    if not wide:
        yield
        return
    torch, _ = libraries()

    def wide_one(value: Any) -> Any:
        return torch.float64 if value is torch.float32 else value

    def call(function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        function = torch.Tensor.double if function is torch.Tensor.float else function
        return function(*map(wide_one, arguments), **{name: wide_one(value) for name, value in named.items()})

    with intercepted(call):
        yield


def intercepted(call: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> AbstractContextManager[object]:
    """Has every function of torch run by `call`, which is given the function, its arguments and its named arguments."""
    torch, _ = libraries()

    def run(_mode: object, function: Any, _types: Any, arguments: Any = (), named: Any = None) -> Any:
        return call(function, arguments, named or {})

    mode: AbstractContextManager[object] = type(
        "Intercepted", (torch.overrides.TorchFunctionMode,), {"__torch_function__": run}
    )()
    return mode
