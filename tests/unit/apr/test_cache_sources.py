"""Sources as text: what each form means, and that none leads out of the cache or over a wire that anybody can change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.cache.source import HubFiles, WebFile, WheelMember, is_loopback, is_source, parse_source
from apr.errors import UnusableInput

HASH = "0123456789abcdef" * 4
GOOD = {
    "pypi://a.b_c-d==1.0+cpu!2/x/y.gguf": WheelMember("", None, "a.b_c-d==1.0+cpu!2", "x/y.gguf"),
    "hf://org/name/sub/x.gguf": HubFiles("", None, "org/name", None, "sub/x.gguf", None),
    "hf://org/na.me-1@refs-pr-1/x.gguf": HubFiles("", None, "org/na.me-1", "refs-pr-1", "x.gguf", None),
    "hf://org/name": HubFiles("", None, "org/name", None, None, None),
    "hf://org/name@abc123": HubFiles("", None, "org/name", "abc123", None, None),
    "hf://org/name:Q4_K_M": HubFiles("", None, "org/name", None, None, "Q4_K_M"),
    "hf://org/name@v1:UD-Q4_K_XL": HubFiles("", None, "org/name", "v1", None, "UD-Q4_K_XL"),
    "https://example.org/a/x.gguf?download=true": WebFile("", None),
    "http://127.0.0.1:8080/x.gguf": WebFile("", None),
    "http://[::1]/x.gguf": WebFile("", None),
}
NAMES = {
    "pypi://n==1/x/y.gguf": "y.gguf",
    "hf://org/name/sub/x.gguf": "x.gguf",
    "hf://org/name": "org--name",
    "hf://org/name@v1": "org--name@v1",
    "hf://org/name:Q4_K_M": None,
    "https://example.org/a/x%20y.gguf?token=secret": "x y.gguf",
}
BAD = {
    "x.gguf": "of no known form",
    "ftp://example.org/x.gguf": "ftp:// sources are not known",
    "pypi://name/x.gguf": "not of the form",
    "pypi://name>=1/x.gguf": "not of the form",
    "pypi://--index-url==1/x.gguf": "not of the form",
    "pypi://name==1/../x.gguf": "points out of the wheel",
    "pypi://name==1//etc/passwd": "points out of the wheel",
    "pypi://name==1/a\\..\\x": "points out of the wheel",
    "pypi://name==1/C:/x": "points out of the wheel",
    "pypi://name==1/a/./x": "points out of the wheel",
    "pypi://name==1/a/.hidden": "hidden file",
    "hf://name": "not of the form hf://ORG/REPO",
    "hf://../name/x.gguf": "not of the form",
    "hf://org/name/../../x.gguf": "points out of the repository",
    "hf://org/name/.git": "hidden file",
    "hf://org/name:": "not of the form",
    "hf://org/name/x\x1b.gguf": "points out of the repository",
    "hf://org/name/x.gguf\n": "not of the form",
    f"hf://org/name#sha256={HASH}": "has a hash but names no single file",
    f"hf://org/name:Q8_0#sha256={HASH}": "has a hash but names no single file",
    "https://example.org/x.gguf#sha256=123": "is no hash",
    "https://example.org/x.gguf#md5=123": "is no hash",
    "https://example.org/": "names no file",
    "https://example.org/a/%2e%2e": "points out of the cache",
    "https://example.org/.profile": "hidden file",
    "https:///x.gguf": "is no URL",
    "https://example.org:99999/x.gguf": "is no URL",
    "https://example.org/a b.gguf": "is no URL",
    "https://user:secret@/x.gguf": "user name or password",
    "https://user:secret@example.org/x.gguf": r"holds a user name or password; put them into ~/\.netrc",
    "http://example.org/x.gguf": "plain http",
    "http://127.0.0.1.example.org/x.gguf": "plain http",
}


@pytest.mark.parametrize("text", GOOD)
@pytest.mark.parametrize("sha256", [None, HASH])
def test_each_form_means_what_it_says(text: str, sha256: str | None) -> None:
    wanted = GOOD[text]
    one_file = not isinstance(wanted, HubFiles) or wanted.file
    if sha256 and not one_file:
        return
    found = parse_source(f"{text}#sha256={sha256.upper()}" if sha256 else text)
    assert type(found) is type(wanted)
    assert found.text == text
    assert found.sha256 == sha256
    assert {**vars(found), "text": "", "sha256": None} == vars(wanted)
    assert is_source(text)


@pytest.mark.parametrize("text", NAMES)
def test_the_name_in_the_cache(text: str) -> None:
    assert parse_source(text).filename == NAMES[text]


@pytest.mark.parametrize("text", BAD)
def test_a_source_that_leads_elsewhere_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(UnusableInput, match=BAD[text]) as refusal:
        parse_source(text, "aliases.yaml: alias 'x'")
    assert refusal.value.where == "aliases.yaml: alias 'x'"
    assert "secret" not in refusal.value.problem


def test_only_this_machine_is_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("example.org", "10.0.0.1", "8.8.8.8", "127.0.0.1.evil.org", "", "localhost.evil")))


@given(
    st.text(alphabet="abQ4_K/.:@#?%\\ \n=-\x00é", max_size=30), st.sampled_from(["hf://", "https://h/", "pypi://n==1/"])
)
def test_whatever_is_accepted_has_a_plain_name(rest: str, scheme: str) -> None:
    try:
        name = parse_source(scheme + rest).filename
    except UnusableInput:
        return
    if name is not None:
        assert name.isprintable()
        assert name not in {"", ".", ".."}
        assert not name.startswith(".")
        assert not set(name) & set("/\\:\x00")
