"""What mkdocs is told beside mkdocs.yml: the navigation out of the folders, and the files of the checkout that pages link to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
# in this order; what is not named comes behind, by its title
_FIRST = {
    "tutorial": ["first-contract", "gguf-and-apr", "your-own-engine", "status-in-ci"],
    "how-to": ["contracts", "kernel-contracts", "parity", "status-in-ci"],
    "reference": ["cli", "pytest", "contract-language", "pv-validate", "rules", "words", "versioning", "decisions"],
    "decisions": [],
}
_NAMES = {"tutorial": "Tutorial", "how-to": "How-to", "reference": "Reference", "decisions": "Decisions"}
# links from a folder of docs to a file of the checkout that is no page
_FROM_A_CONTRACT = re.compile(r'href="\.\./\.\./([\w./-]+)(#[^"]*)?"')
_OUTSIDE = re.compile(r"\]\(\.\./\.\./([\w./-]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the navigation: every page of every folder, so that none is left out."""
    docs = Path(config.docs_dir)
    nav: list[dict[str, object]] = [{"Home": "index.md"}]
    for folder, first in _FIRST.items():
        pages = sorted(docs.joinpath(folder).glob("*.md"), key=lambda path: _rank(path, first))
        nav.append({_NAMES[folder]: [{_title(path): f"{folder}/{path.name}"} for path in pages]})
    nav.append({"Contracts": "contracts/index.html"})
    config.nav = nav
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take along what pages link to outside of docs: schemas, and the action."""
    pages = [file for file in files.documentation_pages() if file.abs_src_path]
    linked = {name for file in pages for name in _OUTSIDE.findall(file.content_string)}
    for name in sorted(linked):
        files.append(File.generated(config, f"files/{name}", abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  as mkdocs calls it
    """Lead these links to what was taken along."""
    return _OUTSIDE.sub(r"](../files/\1)", markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """The pages of contracts are copied as they are, but for their links to files of the checkout."""
    site = Path(config.site_dir)
    for page in site.joinpath("contracts").glob("*.html"):
        text = page.read_text("utf-8")
        for name in {found[1] for found in _FROM_A_CONTRACT.finditer(text)}:
            target = site / "files" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        page.write_text(_FROM_A_CONTRACT.sub(r'href="../files/\1"', text), "utf-8", newline="\n")


def _rank(path: Path, first: list[str]) -> tuple[int, str]:
    if path.stem in first:
        return first.index(path.stem), ""
    return len(first), path.name if path.stem[:1].isdigit() else _title(path).lower()


def _title(path: Path) -> str:
    """A page's own heading, without marks of code."""
    return next(line[2:] for line in path.read_text("utf-8").splitlines() if line.startswith("# ")).replace("`", "")
