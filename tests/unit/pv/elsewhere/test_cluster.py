"""What is said where there is no scheduler."""

from __future__ import annotations

import socket
import sys

import pytest

from pv.elsewhere.cluster import Cluster
from pv.types import UsageProblem


def test_an_address_at_which_nobody_answers_is_named_with_what_to_do() -> None:
    pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageProblem) as caught:
            Cluster(address, "session", 0.2)
    assert str(caught.value).startswith(f"no scheduler of dask.distributed answers at {address} within 0.2 s (")
    assert str(caught.value).endswith("; start one with `dask scheduler`, and use the address that it prints")


@pytest.mark.parametrize(
    "address", ["no://where:1", "tcp://here", "here:1", "tcp://here:0", "tcp://here:65536", "tcp://:1", ""]
)
def test_a_text_that_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(UsageProblem, match="is no address of a scheduler; write tcp://HOST:PORT"):
        Cluster(address, "session", 3600)


def test_who_listens_and_says_nothing_is_waited_for_no_longer_than_asked() -> None:
    pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UsageProblem, match=r"no scheduler of dask\.distributed answers at .* within 0\.2 s"):
            Cluster(address, "session", 0.2)


def test_dask_without_certificates_is_told() -> None:
    pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    with pytest.raises(UsageProblem, match="TLS expects"):
        Cluster("tls://127.0.0.1:1", "session", 0.2)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageProblem, match=r"is needed: pip install 'pv-falsify\[distributed\]'"):
        Cluster("tcp://127.0.0.1:1", "session", 0.2)
