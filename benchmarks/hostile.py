"""How long the readers take to refuse files made to keep them busy, and how much memory: `python benchmarks/hostile.py [--json]`.

Each file is read in a process of its own; what it takes to load the modules is measured apart and taken off.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from figures import Sheet, told

STRING, ARRAY = 8, 9  # GGUF's value types
READ = """
import re, sys, time
from pathlib import Path
from apr.errors import AprError
from apr.formats import open_model
from apr.formats.apr import read_apr
from apr.formats.gguf import read_gguf
def peak():  # of this program alone; getrusage counts the parent's, too
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before, started = peak(), time.process_time()
said = "read"
try:
    if sys.argv[1].endswith("apr"):
        read_apr(sys.argv[1])
    else:
        dict(read_gguf(sys.argv[1]).metadata)
except AprError as refusal:
    said = str(refusal)
took = time.process_time() - started
print(took, peak() - before, said)
"""


def gguf(tensors: int, keys: int, rest: bytes) -> bytes:
    """A GGUF file that announces so much and goes on like that."""
    return struct.pack("<4sIQQ", b"GGUF", 3, tensors, keys) + rest


def gguf_array(kind: int, count: int, rest: bytes) -> bytes:
    """A GGUF file with one key whose value is an array."""
    return gguf(0, 1, struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", ARRAY, kind, count) + rest)


def apr(metadata: bytes, tensors: int = 0, rest: bytes = b"") -> bytes:
    """An .apr file with this JSON and an index that announces so much."""
    index = 64 + -(-len(metadata) // 64) * 64
    data = index + -(-len(rest) // 64) * 64
    head = struct.pack("<4sBBHIQIQQ", b"APR\0", 2, 0, 0x0400, tensors, 64, len(metadata), index, data)
    checksum = zlib.crc32(head + bytes(20))
    body = metadata.ljust(index - 64, b"\0") + rest.ljust(data - index, b"\0")
    return head + struct.pack("<I", checksum) + bytes(20) + body


FILES = {
    "a million tensors announced.gguf": gguf(10**6, 0, bytes(1000)),
    "a million keys announced.gguf": gguf(0, 10**6, bytes(1000)),
    "a thousand million texts announced.gguf": gguf_array(STRING, 10**9, bytes(1000)),
    "a million empty texts.gguf": gguf_array(STRING, 10**6, bytes(8 * 10**6)),
    "a million tensors announced.apr": apr(b"{}", 10**6, bytes(700)),
    "sixteen megabytes of brackets.apr": apr(b'{"a":' + b"[" * ((16 << 20) - 5)),
    "half a million lists.apr": apr(b'{"a":[' + b"[0]," * 499_000 + b"0]}"),
    "four million numbers.apr": apr(b'{"a":[' + b"1.5," * 4_000_000 + b"0]}"),
    "three million texts.apr": apr(b'{"a":[' + b'"ab",' * 3_300_000 + b"0]}"),
    "half a million keys.apr": apr(b"{" + b",".join(b'"%x":0' % i for i in range(499_000)) + b"}"),
}


def main(sheet: Sheet) -> None:
    """Prints a line a file."""
    worst = {"s": 0.0, "MB": 0.0}
    print(f"{'file':42} {'CPU s':>6} {'MiB':>5}  what came of it; asked for: under 2 s and 500 MB")
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILES.items():
            path = Path(folder) / name
            path.write_bytes(content)
            done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True)
            seconds, megabytes, said = done.stdout.strip().split(maxsplit=2)
            worst = {"s": max(worst["s"], float(seconds)), "MB": max(worst["MB"], float(megabytes) * 1.048576)}
            said = said.replace(f"{folder}/", "")
            print(f"{name:42} {float(seconds):6.2f} {float(megabytes):5.0f}  {said[:90]}")
    what = f"the worst of {len(FILES)} files made to keep readers busy"
    sheet.add("seconds", what, worst["s"], "s", at_most=2, at_any_size=True)
    sheet.add("memory", f"{what}: memory", worst["MB"], "MB", at_most=500, at_any_size=True)


if __name__ == "__main__":
    sys.exit(told(main))
