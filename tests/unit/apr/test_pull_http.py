"""Pulling over HTTP from a real server on this machine that cuts, lies, redirects and falls silent."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from apr.cache import Patience, Pulled, PullError, list_models, pull, resolve_model
from apr.cache.base import Talk
from apr.cache.partial import Partial
from apr.errors import UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

CONTENT = bytes(range(256)) * 2000  # half a megabyte
HASH = hashlib.sha256(CONTENT).hexdigest()
IMPATIENT = Patience(attempts=3, first_wait=0.01, silence=0.3, connect=2.0)


class Counter:
    """What a pull has told: the jobs and how many bytes each has done, and the lines."""

    def __init__(self) -> None:
        self.jobs: list[list[Any]] = []
        self.lines: list[str] = []

    def __call__(self, description: str, total: int | None = None, /, *, unit: str) -> Counter:
        assert unit == "bytes"
        self.jobs.append([description, total, 0])
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Keeps what was counted."""

    def advance(self, amount: int = 1, /) -> None:
        self.jobs[-1][2] += amount


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("APR_ALIASES", raising=False)
    return tmp_path / "cache"


def bring(source: str, counter: Counter | None = None, **how: Any) -> Pulled:
    counter = counter or Counter()
    return pull(source, make_meter=counter, say=counter.lines.append, **{"patience": IMPATIENT, **how})


def models(cache: Path) -> dict[str, bytes]:
    folder = cache / "models"
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".checked.json")}


def unfinished(cache: Path) -> list[Path]:
    return [path for path in (cache / "partial").iterdir() if path.suffix == ".part"]


def test_a_file_comes_whole_and_is_not_asked_for_again(web: Any, cache: Path) -> None:
    url, counter = web.add("/x.gguf", CONTENT), Counter()
    found = bring(f"{url}#sha256={HASH}", counter)
    assert found == Pulled(cache / "models" / "x.gguf", downloaded=True, sha256=HASH, vouched="url")
    assert models(cache) == {"x.gguf": CONTENT}
    assert counter.jobs == [["downloading x.gguf", len(CONTENT), len(CONTENT)]]
    assert bring(f"{url}#sha256={HASH}") == (found.path, False, HASH, "url")
    assert bring(url) == (found.path, False, HASH, "url")  # what the first pull has checked stays checked
    assert len(web.requests) == 1
    (headers,) = web.asked("/x.gguf")
    assert headers["accept-encoding"] == "identity"
    assert "range" not in headers
    assert not unfinished(cache)
    assert resolve_model(url) == resolve_model(f"{url}#sha256={HASH}") == found.path


def test_without_a_hash_nobody_vouches_and_the_hash_is_kept(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT)
    assert bring(url)[1:] == (True, HASH, "nobody")
    (listed,) = [model for model in list_models() if model.path.name == "x.gguf"]
    assert (listed.state, listed.sha256, listed.vouched, listed.source) == ("present", HASH, "nobody", url)
    # verifying holds the file against what it was when it came
    assert bring(url, verify=True)[1:] == (False, HASH, "nobody")
    path = cache / "models" / "x.gguf"
    about = path.stat()
    path.write_bytes(b"X" + CONTENT[1:])
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not bring(url).downloaded
    assert bring(url, verify=True).downloaded
    assert models(cache) == {"x.gguf": CONTENT}
    assert bring(f"{url}#sha256={HASH}")[1:] == (False, HASH, "url")


def test_a_wrong_hash_keeps_nothing_and_does_not_touch_what_was_there(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT)
    with pytest.raises(PullError, match=f"has sha256 {HASH}, expected {'0' * 64}; it was not kept"):
        bring(f"{url}#sha256={'0' * 64}")
    assert models(cache) == {}
    assert not unfinished(cache)
    bring(url)
    web.pages["/x.gguf"].content = CONTENT[::-1]
    with pytest.raises(PullError, match="it was not kept"):
        bring(f"{url}#sha256={'0' * 64}")
    assert models(cache) == {"x.gguf": CONTENT}


def test_a_connection_that_breaks_is_taken_up_where_it_broke(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("cut", 100_000), ("cut", 200_000)])
    counter = Counter()
    assert bring(url, counter).sha256 == HASH
    asked = web.asked("/x.gguf")
    assert [headers.get("range") for headers in asked] == [None, "bytes=100000-", "bytes=300000-"]
    assert [headers.get("if-range") for headers in asked] == [None, '"v1"', '"v1"']
    assert [job[2] for job in counter.jobs] == [100_000, 300_000, len(CONTENT)]
    assert len(counter.lines) == 2
    assert "the connection was lost" in counter.lines[0]
    assert models(cache) == {"x.gguf": CONTENT}


def test_a_later_pull_goes_on_where_the_one_before_gave_up(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("cut", 100_000), ("cut", 0), ("cut", 0)])
    with pytest.raises(PullError, match=r"gave up after 3 attempts; the 97.7 KiB that came are kept.* pull again"):
        bring(url)
    assert models(cache) == {}
    assert [path.stat().st_size for path in unfinished(cache)] == [100_000]
    counter = Counter()
    assert bring(url, counter).sha256 == HASH
    assert web.asked("/x.gguf")[-1]["range"] == "bytes=100000-"
    assert [job[0] for job in counter.jobs] == ["checking what is here of x.gguf", "downloading x.gguf"]
    assert sum(len(asked.get("range", "")) > 0 for asked in web.asked("/x.gguf")) == 3
    assert not unfinished(cache)


@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changed_meanwhile_is_fetched_anew(heeds: bool, web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("cut", 100_000), ("cut", 0), ("cut", 0)], heeds_if_range=heeds)
    with pytest.raises(PullError):
        bring(url)
    changed = CONTENT[::-1]
    web.pages["/x.gguf"].content, web.pages["/x.gguf"].etag = changed, '"v2"'
    assert bring(url).downloaded
    assert models(cache) == {"x.gguf": changed}


def test_a_file_of_another_length_is_fetched_anew(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("cut", 100_000), ("cut", 0), ("cut", 0)])
    with pytest.raises(PullError):
        bring(url)
    changed = CONTENT[:0:-1]
    web.pages["/x.gguf"].content = changed  # under the same validator
    assert bring(url).downloaded
    assert models(cache) == {"x.gguf": changed}
    web.add("/y.gguf", CONTENT, plan=[("cut", 100_000), ("cut", 0), ("cut", 0)])
    with pytest.raises(PullError):
        bring(web.url + "/y.gguf")
    web.pages["/y.gguf"].content = CONTENT[:50_000]  # ends before what is here
    assert bring(web.url + "/y.gguf").downloaded
    assert models(cache)["y.gguf"] == CONTENT[:50_000]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_validator_only_a_known_hash_allows_to_go_on(etag: str | None, web: Any, cache: Path) -> None:
    plan = [("cut", 100_000), ("cut", 0), ("cut", 0)]
    for name, fragment, expected in (("x", "", None), ("y", f"#sha256={HASH}", "bytes=100000-")):
        url = web.add(f"/{name}.gguf", CONTENT, etag=etag, plan=list(plan)) + fragment
        with pytest.raises(PullError):
            bring(url)
        assert bring(url).sha256 == HASH
        assert web.asked(f"/{name}.gguf")[-1].get("range") == expected
        assert "if-range" not in web.asked(f"/{name}.gguf")[-1]
    assert set(models(cache)) == {"x.gguf", "y.gguf"}


def test_a_server_without_ranges_is_asked_from_the_start(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, ranges=False, plan=[("cut", 100_000)])
    assert bring(url).sha256 == HASH
    assert models(cache) == {"x.gguf": CONTENT}


def test_what_is_here_is_not_believed_when_it_was_damaged(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("cut", 100_000), ("cut", 0), ("cut", 0)]) + f"#sha256={HASH}"
    with pytest.raises(PullError):
        bring(url)
    (part,) = unfinished(cache)
    part.write_bytes(b"X" + part.read_bytes()[1:])
    with pytest.raises(PullError, match="has sha256"):
        bring(url)
    assert models(cache) == {}
    assert bring(url).sha256 == HASH  # the damaged part is gone


def test_a_finished_part_needs_no_server(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("cut", len(CONTENT) - 1), ("cut", 0), ("cut", 0)])
    with pytest.raises(PullError):
        bring(url)
    (part,) = unfinished(cache)
    part.write_bytes(CONTENT)  # as if it had been killed between the last byte and the name
    before = len(web.requests)
    assert bring(url).sha256 == HASH
    assert len(web.requests) == before


def test_chunked_bodies_come_whole(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, length="chunked", plan=[("cut", 100_000)])
    assert bring(url).sha256 == HASH
    assert web.asked("/x.gguf")[1]["range"] == "bytes=100000-"
    assert models(cache) == {"x.gguf": CONTENT}


def test_a_body_of_unknown_length_is_believed_only_with_a_hash(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, length="none")
    with pytest.raises(PullError, match="does not say how long it is"):
        bring(url)
    assert bring(f"{url}#sha256={HASH}").sha256 == HASH
    web.add("/y.gguf", CONTENT, length="none", plan=[("cut", 1000)])
    with pytest.raises(PullError, match="has sha256"):
        bring(f"{web.url}/y.gguf#sha256={HASH}")
    assert models(cache) == {"x.gguf": CONTENT}


def test_a_body_that_ends_early_is_noticed_where_its_length_is_known(
    web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = cache.parent / "own.yaml"
    url = web.add("/x.gguf", CONTENT, length="none", plan=[("cut", 1000)])
    entry = {"source": url, "sha256": HASH, "size": len(CONTENT), "licence": "MIT", "description": "made by a test"}
    table.write_text(json.dumps({"mine": entry}))
    monkeypatch.setenv("APR_ALIASES", str(table))
    counter = Counter()
    assert bring("mine", counter).sha256 == HASH
    assert "the connection ended early" in counter.lines[0]
    assert web.asked("/x.gguf")[1]["range"] == "bytes=1000-"
    assert models(cache) == {"x.gguf": CONTENT}


def test_a_file_that_somebody_else_writes_to_is_not_kept(web: Any, cache: Path) -> None:
    class Meddling(Counter):
        def advance(self, amount: int = 1, /) -> None:
            super().advance(amount)
            for part in unfinished(cache):
                with part.open("ab") as file:
                    file.write(b"X")

    with pytest.raises(PullError, match="was written to by another process, although it is locked; it was not kept"):
        bring(web.add("/x.gguf", CONTENT), Meddling())
    assert models(cache) == {}
    assert not unfinished(cache)


def test_a_compressed_body_is_refused(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, headers={"Content-Encoding": "gzip"})
    with pytest.raises(PullError, match="compressed"):
        bring(url)
    assert models(cache) == {}


@pytest.mark.parametrize(
    ("status", "expected", "requests"),
    [
        (404, "answers 404 Not Found; correct the source", 1),
        (410, "answers 410 Gone", 1),
        (401, r"refuses: 401 Unauthorized; put a user name and password for this host into ~/\.netrc", 1),
        (403, "refuses: 403 Forbidden", 1),
        (204, "answers 204", 1),
        (503, "answers 503 Service Unavailable; gave up after 3 attempts; check the network and pull again", 3),
        (429, "answers 429 Too Many Requests; gave up after 3 attempts", 3),
    ],
)
def test_an_error_of_the_server_is_one_clear_message(
    status: int, expected: str, requests: int, web: Any, cache: Path
) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("status", status)] * 9)
    with pytest.raises(PullError, match=expected) as refusal:
        bring(f"{url}?token=secret")
    assert "secret" not in str(refusal.value)
    assert len(web.requests) == requests
    assert models(cache) == {}


def test_a_server_that_is_busy_is_waited_for(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("status", 503), ("status", 429, {"Retry-After": "0"})])
    assert bring(url).sha256 == HASH
    web.add("/y.gguf", CONTENT, plan=[("status", 503, {"Retry-After": "3600"})])
    with pytest.raises(PullError, match="asks to come back in 3600 seconds"):
        bring(web.url + "/y.gguf")
    assert len(web.asked("/y.gguf")) == 1
    assert set(models(cache)) == {"x.gguf"}


def test_a_silent_server_is_given_up(web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT, plan=[("silent", 30)] * 9)
    started = time.monotonic()
    with pytest.raises(PullError, match="the server is silent; gave up after 3 attempts"):
        bring(url)
    assert time.monotonic() - started < 20
    assert len(web.requests) == 3
    assert models(cache) == {}


def test_no_server_is_one_message_and_one_attempt(cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    counter = Counter()
    with pytest.raises(PullError, match=r"cannot be reached: .*; check the network; a model that is on this machine"):
        bring(f"http://127.0.0.1:{port}/x.gguf", counter)
    with pytest.raises(PullError, match="cannot be reached"):
        bring("https://no-such-host.invalid/x.gguf", counter)
    assert not counter.lines
    assert models(cache) == {}


def test_a_server_that_goes_away_for_good_is_given_up(web: Any, cache: Path) -> None:
    page = web.pages[web.add("/x.gguf", CONTENT, plan=[("cut", 100_000)]).removeprefix(web.url)]

    class Leaving(Counter):
        def advance(self, amount: int = 1, /) -> None:
            super().advance(amount)
            page.location = "http://127.0.0.1:1/"

    with pytest.raises(PullError, match=r"cannot be reached any more.*gave up after 3 attempts"):
        bring(web.url + "/x.gguf", Leaving())
    assert len(web.requests) == 3
    assert [path.stat().st_size for path in unfinished(cache)] == [100_000]


def test_redirects_are_followed_but_not_off_the_safe_way(web: Any, cache: Path) -> None:
    real = web.add("/real.bin", CONTENT, plan=[("cut", 100_000)])
    url = web.add("/x.gguf", location=real)
    assert bring(url).sha256 == HASH
    assert len(web.asked("/x.gguf")) == 2  # signed addresses are short-lived: the first one is asked again
    assert models(cache) == {"x.gguf": CONTENT}
    with pytest.raises(PullError, match=r"leads to http://example\.org, which is not https"):
        bring(web.add("/away.gguf", location="http://example.org/away.gguf"))
    with pytest.raises(PullError, match=r"leads to ftp://example\.org|leads to no URL"):
        bring(web.add("/ftp.gguf", location="ftp://example.org/away.gguf"))
    with pytest.raises(PullError, match="more than 10 redirects"):
        bring(web.add("/loop.gguf", location=web.url + "/loop.gguf"))
    assert set(models(cache)) == {"x.gguf"}


def test_a_user_name_and_password_come_from_netrc(
    web: Any, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    bring(web.add("/x.gguf", CONTENT))
    assert web.asked("/x.gguf")[0]["authorization"].startswith("Basic ")
    assert "secret" not in (cache / "models" / "x.gguf.checked.json").read_text()
    netrc.write_text("machine 127.0.0.1 logan me\n")
    with pytest.raises(PullError, match=r"netrc:1: cannot be read: bad follower token 'logan'"):
        bring(web.add("/y.gguf", CONTENT))
    monkeypatch.setenv("NETRC", str(tmp_path / "absent"))
    bring(web.add("/y.gguf", CONTENT))
    assert "authorization" not in web.asked("/y.gguf")[0]


def test_more_than_was_announced_is_not_kept(web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = cache.parent / "own.yaml"
    url = web.add("/x.gguf", CONTENT, length="chunked")
    entry = {"source": url, "sha256": HASH, "size": 1000, "licence": "MIT", "description": "made by a test"}
    table.write_text(json.dumps({"mine": entry}))
    monkeypatch.setenv("APR_ALIASES", str(table))
    with pytest.raises(PullError, match="is longer than the 1000 bytes it should have"):
        bring("mine")
    web.pages["/x.gguf"].length = "plain"
    with pytest.raises(PullError, match=f"has {len(CONTENT)} bytes, expected 1000"):
        bring("mine")
    assert not unfinished(cache)
    table.write_text(json.dumps({"mine": entry | {"size": len(CONTENT)}}))
    assert bring("mine") == (cache / "models" / "x.gguf", True, HASH, "alias")


def test_an_alias_without_a_hash_says_so(web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = cache.parent / "own.yaml"
    url = web.add("/x.gguf", CONTENT)
    table.write_text(
        json.dumps({"mine": {"source": url, "unverified": True, "licence": "MIT", "description": "made by a test"}})
    )
    monkeypatch.setenv("APR_ALIASES", str(table))

    def listed() -> tuple[str, str | None, str]:
        (model,) = [model for model in list_models() if model.alias is not None and model.alias.name == "mine"]
        return model.state, model.sha256, model.vouched

    assert listed() == ("absent", None, "nobody")
    with pytest.raises(UnusableInput, match="run `apr pull mine`"):
        resolve_model("mine")
    assert bring("mine")[1:] == (True, HASH, "nobody")
    assert listed() == ("present", HASH, "nobody")
    assert bring("mine")[1:] == (False, HASH, "nobody")
    (cache / "models" / "x.gguf").write_bytes(b"something else")
    assert listed() == ("changed", None, "nobody")
    assert bring("mine").downloaded


def test_a_name_that_is_taken_is_not_overwritten(web: Any, cache: Path) -> None:
    first, second = web.add("/a/x.gguf", CONTENT), web.add("/b/x.gguf", CONTENT[::-1])
    bring(first)
    with pytest.raises(PullError, match=rf"x\.gguf is in the cache already, and it came from {first}; .* --as"):
        bring(second)
    assert bring(second, as_name="y.gguf").path == cache / "models" / "y.gguf"
    (cache / "models" / "own.gguf").write_bytes(b"mine")
    with pytest.raises(PullError, match="came some other way"):
        bring(web.add("/own.gguf", CONTENT))
    with pytest.raises(PullError, match="is the name of the alias 'smollm2'"):
        bring(web.add("/SmolLM2-135M-Instruct.Q4_1.gguf", CONTENT))
    assert models(cache) == {"x.gguf": CONTENT, "y.gguf": CONTENT[::-1], "own.gguf": b"mine"}


@pytest.mark.parametrize("name", ["", ".x", "a/b", "..", "x.checked.json", "a\nb", "-"])
def test_a_name_of_one_s_own_stays_in_the_cache(name: str, web: Any, cache: Path) -> None:
    url = web.add("/x.gguf", CONTENT)
    if name == "-":
        assert bring(url, as_name=name).path.parent == cache / "models"
        return
    with pytest.raises(UsageError, match="cannot be a file's name"):
        bring(url, as_name=name)
    with pytest.raises(UsageError, match="leave out --as"):
        bring("smollm2", as_name="y.gguf")


def test_two_pulls_of_one_source_download_it_once(web: Any, cache: Path) -> None:
    release = threading.Event()
    url = web.add("/x.gguf", CONTENT, plan=[("wait", release)])
    counters, found = [Counter(), Counter()], []
    threads = [
        threading.Thread(target=lambda counter=counter: found.append(bring(url, counter, patience=Patience())))
        for counter in counters
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while not any("waiting for it" in line for counter in counters for line in counter.lines):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    release.set()
    for thread in threads:
        thread.join(30)
    assert sorted(pulled.downloaded for pulled in found) == [False, True]
    assert len(web.requests) == 1
    assert models(cache) == {"x.gguf": CONTENT}


def test_two_sources_at_a_time_do_not_disturb_each_other(web: Any, cache: Path) -> None:
    urls = [web.add(f"/{name}.gguf", name.encode() * 200_000, plan=[("cut", 50_000)]) for name in "abcd"]
    threads = [threading.Thread(target=bring, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert models(cache) == {f"{name}.gguf": name.encode() * 200_000 for name in "abcd"}


def test_no_space_is_told_before_a_byte_is_written(web: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(cache.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    with pytest.raises(PullError, match=r"no space for it in .*: 500.0 KiB are needed, 1000 B are free; make space"):
        bring(web.add("/x.gguf", CONTENT))
    assert models(cache) == {}


def test_a_note_that_is_nested_too_deeply_is_relied_on_as_little_as_none(tmp_path: Path) -> None:
    partial = Partial(tmp_path / "x.part", "https://example.org/x.gguf", None)
    partial.path.write_bytes(b"x")
    partial.note.write_text("[" * 100_000)
    partial.take_up("x.gguf", Talk(Counter(), print), hash_is_known=True)
    assert (partial.have, partial.validator) == (0, None)


def test_what_nobody_came_back_to_is_cleared_away(web: Any, cache: Path) -> None:
    folder = cache / "partial"
    (folder / "old-folder" / "files").mkdir(parents=True)
    for name in ("old.part", "new.part", "old.lock"):
        (folder / name).write_bytes(b"x")
    long_ago = time.time() - 30 * 24 * 3600
    for name in ("old.part", "old.lock", "old-folder"):
        os.utime(folder / name, (long_ago, long_ago))
    bring(web.add("/x.gguf", CONTENT))
    assert {path.name for path in folder.iterdir() if len(path.stem) < 20} == {"new.part", "old.lock"}


@pytest.fixture
def secure(web_server: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """A server with a certificate of its own making, which `SSL_CERT_FILE` can name."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run(
        [openssl, "req", *new, *subject, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with web_server.WebServer(context) as server:
        yield server


def test_https_is_only_believed_with_a_certificate(
    secure: Any, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = secure.add("/x.gguf", CONTENT, plan=[("cut", 100_000)])
    with pytest.raises(PullError, match=r"cannot be reached: .*certificate.*; SSL_CERT_FILE can name"):
        bring(url)
    assert models(cache) == {}
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    assert bring(url).sha256 == HASH
    assert models(cache) == {"x.gguf": CONTENT}
    secure.add("/down.gguf", location="http://127.0.0.1:1/x.gguf")
    with pytest.raises(PullError, match="leads to http://127"):
        bring(secure.url + "/down.gguf")
