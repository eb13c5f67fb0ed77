"""Where a llama.cpp shared library comes from."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from apr.errors import OracleAbsent
from apr.formats.files import file_sha256

EXPLICIT = "APR_LLAMA_LIB"
# in the order in which they are tried, after an explicit path: import name, distribution, the library below the package
_PACKAGES = {
    "llama-cpp-python": ("llama_cpp", ("lib/libllama.so", "lib/libllama.dylib")),
    "xllamacpp": ("xllamacpp", ("xllamacpp*.so",)),
}


@dataclass(frozen=True)
class Provider:
    """A library that can be opened.

    Attributes:
        name: `APR_LLAMA_LIB`, `llama-cpp-python` or `xllamacpp`; the file's own name for one that was named by its path.
        library: the shared object.
        version: of the distribution; empty for an explicit path.
    """

    name: str
    library: Path
    version: str

    @property
    def build(self) -> str:
        """Names the very bytes: two builds of one version are two builds."""
        return f"{self.name} {self.version} sha256:{file_sha256(self.library)[:12]}".replace("  ", " ")


def _installed(name: str) -> Provider | None:
    package, patterns = _PACKAGES[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        for pattern in patterns:
            for library in sorted(Path(folder).glob(pattern)):
                return Provider(name, library, importlib.metadata.version(name))
    return None


def providers() -> list[Provider]:
    """Every library found, the one to use first.

    Raises:
        OracleAbsent: `APR_LLAMA_LIB` names no file.
    """
    found = []
    explicit = os.environ.get(EXPLICIT)
    if explicit:
        if not Path(explicit).is_file():
            raise OracleAbsent(
                f"{EXPLICIT} names {explicit!r}, which is no file", hint="give the path of libllama.so, or unset it"
            )
        found.append(Provider(EXPLICIT, Path(explicit).resolve(), ""))
    return found + [provider for name in _PACKAGES if (provider := _installed(name))]


def provider_at(library: Path) -> Provider:
    """The library at a path.

    Raises:
        OracleAbsent: there is no file.
    """
    if not library.is_file():
        raise OracleAbsent(f"{str(library)!r} is no file", hint="give the path of libllama.so")
    return Provider(library.name, library.resolve(), "")


def find_provider(name: str | None = None) -> Provider:
    """The provider of that name, or the first one found.

    Raises:
        OracleAbsent: none, or not that one.
    """
    found = [provider for provider in providers() if name in (None, provider.name)]
    if found:
        return found[0]
    wanted = f"{name} is not installed" if name else "no llama.cpp library was found"
    raise OracleAbsent(
        wanted,
        hint=f"pip install {name or 'xllamacpp'}, or set {EXPLICIT} to a libllama of your own build",
    )
