"""Machines that allow all of it, some of it, or nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apr.errors import AprError
from apr.sandbox import Isolation, available, machine, run
from apr.sandbox import running as running_module

PYTHON = sys.executable


def elsewhere(tmp_path: Path, shell: str, code: str) -> subprocess.CompletedProcess[str]:
    """Runs Python code under a shell command that takes rights away first."""
    if machine().network is not None:
        pytest.skip(str(machine().network))
    for program in ("unshare", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")
    environment = os.environ | {"PY": PYTHON, "CODE": code}
    return subprocess.run(
        ["/bin/sh", "-c", shell], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


SAY = (
    "from pathlib import Path; from apr.sandbox import machine, run\n"
    "done = run(['bash', '-c', 'id -u; exec 3<>/dev/tcp/192.0.2.1/80'], cwd=Path('.'), timeout=30)\n"
    "print(done.isolation); print(done.stdout.strip(), [one.target for one in done.outward])\n"
)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    "shell",
    [
        'unshare --user --map-user=1000 --map-group=1000 "$PY" -c "$CODE"',
        'unshare --user --map-root-user sh -c \'echo 0 > /proc/sys/user/max_user_namespaces; "$PY" -c "$CODE"\'',
    ],
    ids=["an ordinary user", "root without user namespaces"],
)
def test_who_may_confine(tmp_path: Path, shell: str) -> None:
    done = elsewhere(tmp_path, shell, SAY)
    uid = "1000" if "1000" in shell else "0"
    assert done.stdout.splitlines() == [str(Isolation()), f"{uid} ['192.0.2.1:80']"], done.stderr


@pytest.mark.usefixtures("watched")
def test_who_may_map_nobody_but_himself(tmp_path: Path) -> None:
    """As an ordinary user of the machine; those who are not root have this shown by every other test."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    # the right to read others' files is kept, as the interpreter may lie in root's home
    shell = (
        "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +dac_override --ambient-caps +dac_override"
        ' "$PY" -c "$CODE"'
    )
    done = elsewhere(tmp_path, shell, SAY.replace("Path('.')", "Path('/')"))
    assert done.stdout.splitlines() == [str(Isolation()), "65534 ['192.0.2.1:80']"], done.stderr


@pytest.mark.usefixtures("watched")
def test_root_without_user_namespaces_cannot_walk_back_out(tmp_path: Path) -> None:
    """The namespace outside is this root's own, so only the capabilities that it lost stand in the way."""
    inner = (
        "import ctypes, os\n"
        "c = ctypes.CDLL(None, use_errno=True)\n"
        "print(c.setns(os.open('/proc/%d/ns/net' % os.getppid(), os.O_RDONLY), 0), ctypes.get_errno())\n"
    )
    code = (
        "import os, sys; from pathlib import Path; from apr.sandbox import run\n"
        f"inner = {inner!r}.replace('os.getppid()', str(os.getpid()))\n"
        "done = run([sys.executable, '-c', inner], cwd=Path('.'), timeout=30); print(done.stdout, done.stderr[-200:])\n"
    )
    shell = (
        'unshare --user --map-root-user --net sh -c \'echo 0 > /proc/sys/user/max_user_namespaces; "$PY" -c "$CODE"\''
    )
    done = elsewhere(tmp_path, shell, code)
    assert "-1 1" in done.stdout or "PermissionError" in done.stdout, (done.stdout, done.stderr)


NOTHING = (
    "unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces;"
    ' exec setpriv --bounding-set -all --inh-caps -all "$PY" -c "$CODE"\''
)


@pytest.mark.usefixtures("watched")
def test_a_machine_that_does_not_allow_it_says_why(tmp_path: Path) -> None:
    done = elsewhere(tmp_path, NOTHING, SAY)
    first, second = done.stdout.splitlines()
    assert "no new network namespace: No space left on device; user.max_user_namespaces is 0 or used up" in first
    assert "names='names are served inside a network namespace only'" in first
    assert second == "0 ['192.0.2.1:80']", done.stderr  # what is tried is seen all the same
    required = elsewhere(tmp_path, NOTHING, SAY.replace("timeout=30", "timeout=30, isolate=True"))
    assert "AprError: the network cannot be kept from a program on this machine: no new network" in required.stderr
    assert required.stdout == ""


def test_required_isolation_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "machine", lambda: Isolation(network="no", watching="no", names="no"))
    with pytest.raises(AprError, match="cannot be kept from a program on this machine: no"):
        run(["touch", "ran"], cwd=tmp_path, isolate=True)
    assert not (tmp_path / "ran").exists()
    done = run(["touch", "ran"], cwd=tmp_path)
    assert (done.isolation.isolated, done.attempts, (tmp_path / "ran").exists()) == (False, None, True)


def test_what_other_programs_can_do_here_is_allowed() -> None:
    """Tests here are skipped where the machine allows nothing, so a fault of ours must not look like such a machine."""
    probe = "ip link set lo up && mount --bind /etc/hosts /etc/hosts"
    command = ["/usr/bin/env", "unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c", probe]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        pytest.skip(f"unshare: {done.stderr.strip()}")
    assert (machine().network, machine().names, available()) == (None, None, None)


def test_a_kernel_that_notifies_is_used() -> None:
    known, own = Path("/proc/sys/kernel/seccomp/actions_avail"), Path("/proc/self/status")
    if not known.exists() or "user_notif" not in known.read_text().split():
        pytest.skip("this kernel has no user notification")
    if "Seccomp:\t0" not in own.read_text():
        pytest.skip("a filter of the surroundings may forbid it")
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"the calls of {platform.machine()} are not known")
    assert machine().watching is None
