"""`hf://` sources: `huggingface_hub` knows addresses, tokens and what a repository holds; the bytes come as for any URL.

Its own downloader is not used: it keeps nothing of a download that broke off. The Hub says for every file the sha256 (of what
git-lfs holds) or the name of its git blob, and files are asked for by commit, so what arrives is checked against what the
Hub announced. That is no voucher for the file: the same server says both.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from apr.cache.base import Patience, PullError
from apr.cache.download import Remote
from apr.cache.source import SHA256, may_be_asked, refuse_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

    from apr.cache.base import Talk
    from apr.cache.source import HubFiles

_SECONDS = 20.0
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403})
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)  # also the name of a git blob
_PART = re.compile(r"-(\d{5})-of-(\d{5})(?=\.gguf$)", re.IGNORECASE)
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
# what a tokenizer may need beside *.json
_TEXTS = frozenset({"merges.txt", "vocab.txt", "tokenizer.model", "chat_template.jinja"})
_SHOWN = 12


class Answer(NamedTuple):
    """What a source means, by the Hub.

    Attributes:
        remotes: the files; those of a split GGUF in order.
        revision: the commit they are of.
    """

    remotes: list[Remote]
    revision: str


def ask(source: HubFiles, talk: Talk, patience: Patience | None = None) -> Answer:
    """Asks the Hub which files a source means.

    `HF_ENDPOINT` names another Hub; `HF_TOKEN` or `hf auth login` a token, which only the Hub itself gets.

    Raises:
        PullError: the Hub cannot be reached or refuses; no such repository, revision, file or quantisation, or several.
    """
    os.environ.setdefault(
        "HF_HUB_DISABLE_TELEMETRY", "1"
    )  # read at its import: one request less, and no one's business
    from huggingface_hub import HfApi, get_token, hf_hub_url  # noqa: PLC0415 - only hf:// sources pay for it

    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    if not may_be_asked(endpoint):
        raise PullError(f"{endpoint} is plain http", where="HF_ENDPOINT", hint="use https://")
    info = _info(HfApi(endpoint=endpoint), source, talk, patience or Patience())
    if not _is(_COMMIT, info.sha):
        raise PullError("the Hub does not say which commit it is", where=source.text)
    revision = str(info.sha)
    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    remotes = []
    files = info.siblings or []
    if not all(isinstance(file.rfilename, str) for file in files):
        raise PullError("the Hub's answer cannot be read: a file without a name", where=source.text)
    for file in _chosen(source, files):
        name, where = file.rfilename, f"{source.text}: {file.rfilename}"
        refuse_path(name, name, "repository", where)
        sha256, git_sha1 = (file.lfs.sha256, None) if file.lfs else (None, file.blob_id)
        if not (_is(SHA256, sha256) or _is(_COMMIT, git_sha1)) or type(file.size) is not int:
            raise PullError("the Hub does not say what it should be: hash and size", where=where)
        url = hf_hub_url(source.repo, name, revision=revision, endpoint=endpoint)
        remotes.append(Remote(url, name, file.size, sha256, git_sha1, headers, _help_refused(source)))
    return Answer(remotes, revision)


def _is(form: re.Pattern[str], value: object) -> bool:
    """Whether a value of the Hub's answer is text of this form."""
    return isinstance(value, str) and form.fullmatch(value) is not None


def _info(api: HfApi, source: HubFiles, talk: Talk, patience: Patience) -> ModelInfo:
    """What the Hub has in a repository, with bounded patience."""
    failures = 0
    while True:
        with _explained(source):
            try:
                return api.model_info(source.repo, revision=source.revision, files_metadata=True, timeout=_SECONDS)
            except _passing() as error:
                failures += 1
                if failures >= patience.attempts or not _may_pass(error):
                    raise
                wait = patience.wait(failures)
                talk.say(
                    f"{source.repo}: {_brief(error)}; attempt {failures + 1} of {patience.attempts} in {wait:.1f} s"
                )
        time.sleep(wait)


def _passing() -> tuple[type[Exception], ...]:
    import httpx2  # noqa: PLC0415 - see `ask`
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - see `ask`

    return (HfHubHTTPError, httpx2.TransportError)


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may do better: not where there is no connection at all, and not where the answer is no."""
    import httpx2  # noqa: PLC0415 - see `ask`

    if isinstance(error, httpx2.TransportError):
        return not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol)
    return _status(error) in _AGAIN


def _status(error: Exception) -> int | None:
    code = getattr(getattr(error, "response", None), "status_code", None)
    return code if isinstance(code, int) else None


def _brief(error: Exception) -> str:
    status = _status(error)
    return f"the Hub answers {status}" if status else f"the connection was lost: {error}"


@contextlib.contextmanager
def _explained(source: HubFiles) -> Iterator[None]:
    """Turns what `huggingface_hub` raises into one message."""
    import httpx2  # noqa: PLC0415 - see `ask`
    from huggingface_hub import errors  # noqa: PLC0415 - see `ask`

    at = f" at revision {source.revision}" if source.revision else ""
    help_ = _help_refused(source)
    refusals: Sequence[tuple[type[Exception], str, str]] = (
        (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE is set, so the Hub is not asked", "unset it"),
        (errors.GatedRepoError, "the Hub gives it only to those who accepted its licence", help_),
        (errors.RevisionNotFoundError, f"the Hub has no revision {source.revision!r} of it", "correct the source"),
        (errors.RepositoryNotFoundError, "the Hub has no such repository, or does not show it to you", help_),
        (errors.HFValidationError, "is no name of a repository", "correct the source"),
    )
    try:
        yield
    except (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, errors.HFValidationError) as error:
        for kind, problem, hint in refusals:
            if isinstance(error, kind):
                raise PullError(problem, where=source.text, hint=hint) from error
        hint = help_ if _status(error) in _REFUSED else "pull again later"
        raise PullError(f"the Hub answers {_status(error)}{at}", where=source.text, hint=hint) from error
    except httpx2.HTTPError as error:
        raise PullError(
            f"the Hub cannot be reached: {str(error) or type(error).__name__}",
            where=source.text,
            hint="check the network; a model that is on this machine already needs no pull: give its path",
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # no JSON, or not laid out as it should be
        raise PullError(f"the Hub's answer cannot be read: {error}", where=source.text) from error


def _help_refused(source: HubFiles) -> str:
    page = f"https://huggingface.co/{source.repo}"
    return f"look at {page}; for a private or gated model set HF_TOKEN or run `hf auth login`"


def _chosen(source: HubFiles, files: Sequence[RepoSibling]) -> list[RepoSibling]:
    """The files of a repository that a source means.

    Raises:
        PullError: none, or more than one model.
    """
    by_name = {file.rfilename: file for file in files}
    if source.file is not None:
        if source.file in by_name:
            return [by_name[source.file]]
        near = difflib.get_close_matches(source.file, by_name, 1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise PullError(
            f"the repository has no file {source.file!r}", where=source.text, hint=f"{guess}it holds: {_some(by_name)}"
        )
    if source.quant is not None:
        return [by_name[name] for name in _of_quant(source, source.quant, by_name)]
    return [by_name[name] for name in _safetensors(source, by_name)]


def _of_quant(source: HubFiles, quant: str, names: Any) -> list[str]:
    """The parts, in order, of the one GGUF model whose name has the quantisation as a word of its own."""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(quant)}(?![A-Za-z0-9_])", re.IGNORECASE)
    models: dict[str, list[str]] = {}
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    for name in ggufs:
        base = PurePosixPath(name).name
        if word.search(base) and not base.lower().startswith(("mmproj", "imatrix")):
            models.setdefault(_PART.sub("", name), []).append(name)
    if len(models) != 1:
        problem = f"has {'several models' if models else 'no GGUF file'} of quantisation {quant!r}"
        raise PullError(
            problem, where=source.text, hint=f"write the file's name instead; there are: {_some(models or ggufs)}"
        )
    parts = sorted(next(iter(models.values())))
    announced = _PART.search(parts[0])
    if announced and len(parts) != int(announced[2]):
        raise PullError(f"has {len(parts)} of the {int(announced[2])} parts of {parts[0]}", where=source.text)
    return parts


def _safetensors(source: HubFiles, names: Any) -> list[str]:
    """The files of the safetensors model at the top of a repository, weights last."""
    weights = [_INDEX, *sorted(filter(_SHARD.fullmatch, names))] if _INDEX in names else [_SINGLE]
    if weights[-1] not in names or weights == [_INDEX] or "config.json" not in names:
        ggufs = [name for name in names if name.lower().endswith(".gguf")]
        hint = f"it holds: {_some(ggufs or names)}"
        raise PullError(
            "holds no safetensors model (config.json with model.safetensors or its shards)",
            where=source.text,
            hint=f"say which quantisation is meant with :QUANT; {hint}" if ggufs else hint,
        )
    beside = sorted(
        name for name in names if "/" not in name and name != _INDEX and (name.endswith(".json") or name in _TEXTS)
    )
    return [*beside, *weights]


def _some(names: Any) -> str:
    """A few names, and how many there are beyond them."""
    ordered = sorted(names)
    more = len(ordered) - _SHOWN
    return ", ".join(ordered[:_SHOWN]) + (f" and {more} more" if more > 0 else "") if ordered else "nothing"
