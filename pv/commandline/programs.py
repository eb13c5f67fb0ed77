"""The names of programs, and the words, by which a command is told from a sentence."""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CARGO = _names("cargo")
# what the projects around these contracts have on their command lines
STACK = _names("pv apr ccpa pmat batuta bashrs forjar realizar trueno probar renacer certeza")
# programs whose names are English words too: more than the name has to show that they are meant
ENGLISH = _names("""
    test find sort time make diff cat head tail cut join split which file true false echo exit go node python bats just more
    less wait watch date export read source yes touch column paste kill sleep strings link install timeout type eval stat set
    cd mkdir act task for bash git docker jest command hash ruby julia java rake bundle composer helm mix swift stack trunk
""")
PROGRAMS = (
    CARGO
    | STACK
    | ENGLISH
    | _names("""
    grep egrep fgrep rg ag awk sed jq yq ls wc [ [[ cmp printf tr sh zsh dash python3 pytest py.test uv pip tox nox ruff mypy
    hypothesis curl wget ollama llama-cli llama-bench nvidia-smi nvcc ncu nsys gh ssh npm npx yarn pnpm deno bun vitest ctest
    cmake ninja gcc clang rustc rustup kani lake lean coqc podman kubectl terraform shellcheck xargs tee sha256sum md5sum xxd
    hexdump od mktemp rm cp mv ln hyperfine perf env huggingface-cli hf du df ps nproc lsof strace gdb valgrind nm objdump ldd
    poetry hatch pdm pipx pre-commit mvn gradle gradlew bazel bazelisk meson zig cabal ghc sbt dotnet perl php phpunit rspec
    Rscript gotestsum golangci-lint eslint tsc tsx ts-node hadolint ansible-lint k6 psql sqlite3 mysql redis-cli openssl rsync
    """)
)
# programs that are given a target, and the words that targets are made of: `make test`, `just lint-all`
BUILDERS = _names("make just task go mix swift stack trunk bats helm rake composer bundle")
TARGETS = _names("""
    test tests check checks lint build verify ci bench benchmark benchmarks vet validate coverage e2e fmt unit integration smoke
""")
# words of sentences that hardly stand alone among the arguments of a program
STOP_WORDS = _names("""
    a an the that this is are be has have with and or not for of in on to from by as must should shall will every each all any
    no both returns prints passes fails produces exits matches shows verify check compare then when where which it its against
    via between without non-empty zero
""")
# what ends well whatever was written into it
PASSES_ON = _names("tee cat head tail sort uniq wc less more tr cut column nl")
# what looks at files and texts, and runs nothing else
LOOKS = _names("""
    grep egrep fgrep rg ag cat ls test [ [[ stat head tail wc yq jq sort uniq file cut tr echo printf true false exit set :
""")
