"""Looks the installed packages up among known vulnerabilities: `python .ci/audit.py`.

Exits with 1 if one of them is vulnerable. Where the database cannot be reached nothing is known; that is said, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys

_SECONDS = 120.0


def main() -> int:
    """Prints what is known of the packages of this Python's environment."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--local",
        "--skip-editable",
        "--progress-spinner=off",
        "--timeout=15",
    ]
    try:
        done = subprocess.run(
            [*command, "--format=json"], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return _unknown(f"no answer within {_SECONDS:.0f} s")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _unknown((done.stderr.strip().splitlines() or ["it says nothing"])[-1][:300])
    audited = [one for one in packages if "vulns" in one]
    if not audited:
        return _unknown(f"it knows none of the {len(packages)} packages")
    found = 0
    for one in audited:
        for fault in one["vulns"]:
            found += 1
            fixed = ", ".join(fault.get("fix_versions", ())) or "no version yet"
            print(f"{one['name']} {one['version']}: {fault['id']}, mended in {fixed}")
    print(f"{found} known vulnerabilities in {len(audited)} of {len(packages)} packages that were looked up")
    return 1 if found else 0


def _unknown(why: str) -> int:
    print(f"not audited, the database of vulnerabilities cannot be asked: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
