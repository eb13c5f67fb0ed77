"""The pages of contracts as text: what they say, that they are valid, and that nothing foreign gets into them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.cli import main
from pv.config import Config, find_config
from pv.corpus import read_all, walk
from pv.report.pages import equations, made, outdated
from pv.types import UsageProblem

if TYPE_CHECKING:
    from tests.unit.pv.report.conftest import Maker

VOID = frozenset({"meta", "link", "br", "wbr", "hr", "img", "input"})
BLOCKS = frozenset({"div", "p", "ul", "ol", "dl", "table", "section", "figure", "details", "h1", "h2", "h3", "header"})
INSIDE = {"li": {"ul", "ol"}, "dt": {"dl"}, "dd": {"dl"}, "tr": {"tbody", "thead"}, "td": {"tr"}, "th": {"tr"}}
INSIDE |= {"thead": {"table"}, "tbody": {"table"}, "summary": {"details"}, "figcaption": {"figure"}}
INSIDE |= {"mtr": {"mtable"}, "mtd": {"mtr"}}
CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "munder": 2}


class Checker(HTMLParser):
    """Reads a page as a validator does, and keeps its text, ids and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.named: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        assert len(given) == len(attrs), f"{tag} has an attribute twice"
        assert not [name for name in given if name.startswith("on")], f"{tag} runs a script"
        assert tag not in ("script", "iframe", "object", "base"), tag
        parent = self.open[-1] if self.open else ""
        assert parent in INSIDE.get(tag, {parent}), f"{tag} within {parent}"
        assert not (tag in BLOCKS and "p" in self.open), f"{tag} within p"
        self.ids += [str(given["id"])] if "id" in given else []
        self.targets += [str(value) for name, value in attrs if name in ("href", "src", "srcset", "action")]
        self.named += [str(given["aria-labelledby"])] if "aria-labelledby" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        assert "svg" in self.open, f"{tag} closes itself"
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes {self.open[-1]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def checked(text: str, others: set[str]) -> Checker:
    """A page that is valid, asks for nothing, and whose links lead somewhere."""
    page = Checker(text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert len(set(page.ids)) == len(page.ids), "two of one id"
    assert set(page.named) <= set(page.ids)
    for target in page.targets:
        name, _, place = target.partition("#")
        assert target == "data:," or re.match(r"https?://", target) or name == "" or name in others, target
        assert not place or place in page.ids, target
    assert not re.search(r"@import|url\(", text)
    assert "default-src 'none'; script-src 'none'" in text
    return page


HEAD = 'metadata: {version: "1", created: "2026-01-01", author: a, description: "What it is. And more.", references: [r]}\nstatus: PROPOSED\n'
SOFTMAX = (
    HEAD
    + """
equations:
  softmax:
    formula: p
    formal: e / sum(e)
    let: {e: exp(x - max(x)), far: max(x) - x, off: 1 - y}
    codomain: "0 <= p <= 1"
    domain:
      m: [1, 2, 4]
      n: 1..8
      x: {dtype: f32, shape: [m, n], range: [-1e3, 1e3], distinct: true}
      w: {dtype: bf16, shape: [n], bits: any, nonfinite: true}
      t: {dtype: i32, values: [-1, 1]}
      b: {dtype: u8, shape: [n]}
      flag: {dtype: bool}
    invariants: ["a text with `code`, and <b>markup</b>"]
    plot: {x: [-1, 1], title: "a < b", caption: "below it", curves: {one: exp(x)}}
  prose: {formula: y = x, domain: all x}
proof_obligations:
%s
falsification_tests:
%s
"""
)
CLAIM = "  - {id: S-%d, obligation: o%d, rule: r, prediction: p, if_fails: q, binds_to: softmax, mutants: [{id: m%d, stage: softmax}]}\n"
OBLIGATIONS = [
    ("type: invariant, formal: 'y > 0 and sum(y) < 2', where: 'm > 1'", "y i > 0 ∑ i y i < 2 Only where m > 1 ."),
    ("type: bound, between: [0, 1]", "0 ≤ y i ≤ 1"),
    ("type: bound, between: [null, n * u]", "y i ≤ n \u2062 u"),
    (
        "type: equivalence, tolerance: f * u",
        "| y i \u2212 f i | ≤ f i \u2062 u f is the equation, computed in float64.",
    ),
    ("type: equivalence, to: 'exp(x)'", "y i ≡ f i f = e x i , computed in float64, rounded once to the type of y."),
    ("type: equivalence, to: 'softmax(x + 1, w, t, b, flag)'", "f = softmax \u2061 ( x + 1 , w , t , b , flag ) i ."),
    ("type: equivalence, oracle: scipy", "f is what softmax of scipy gives for the same input, rounded once"),
    ("type: monotonicity, in: x", "softmax \u2061 ( x + d , w , t , b , flag ) i ≥ softmax \u2061 ( x ,"),
    (
        "type: monotonicity, direction: decreasing, tolerance: u",
        ") i ≤ softmax \u2061 ( x , w , t , b , flag ) i + u d i ≥ 0",
    ),
    (
        "type: idempotency, in: x",
        "softmax \u2061 ( softmax \u2061 ( x , w , t , b , flag ) , w , t , b , flag ) i ≡ softmax",
    ),
    ("type: involution, in: x", ", w , t , b , flag ) i ≡ x i"),
    ("type: roundtrip, through: log(y), tolerance: 4 * u", "≤ 4 \u2062 u"),
    ("type: linearity, in: x, tolerance: u", "softmax \u2061 ( a \u2062 x + b \u2062 z ,"),
    ("type: symmetry, under: permutation, in: x, result: equivariant", "≡ permuted \u2061 ( softmax"),
    ("type: symmetry, under: shift, in: x, tolerance: u * abs(c)", "x + c , w , t , b , flag"),
    ("type: symmetry, under: negation, in: x, result: odd", "( \u2212 x , w , t , b , flag ) i ≡ \u2212 softmax"),
    ("type: symmetry, under: scaling, in: x", "c is any power of two"),
    ("type: symmetry, under: reversal, in: x", "reversed means taken from last to first"),
    ("type: determinism", "The same input gives the same bits, however it lies in memory."),
    ("type: independence, along: m", "Slices are taken along m ."),
    ("type: frame", "The kernel changes none of its inputs."),
    ("type: invariant, formal: 'y > alpha', alpha: 1.0e-6", "raises a false alarm with probability 1e-06 at most"),
    (
        "type: invariant, formal: 'q < c', let: {q: sum(y)}, forall: {c: {dtype: f32, range: [0, n]}}",
        "q < c q = ∑ i y i Here c is a float32 number, 0 to n .",
    ),
]


def contract(maker: Maker, name: str = "softmax-v1") -> Any:
    lines = "".join(
        f"  - {{id: o{at}, property: 'what {at} says', applies_to: softmax, {keys}}}\n"
        for at, (keys, _) in enumerate(OBLIGATIONS)
    )
    claims = "".join(CLAIM % (at, at, at) for at in range(len(OBLIGATIONS)))
    return maker.contract(SOFTMAX % (lines, claims), name)


def pages_of(*contracts: Any, root: Path = Path("/nowhere")) -> dict[str, str]:
    config = Config(root, (root / "contracts",), (root / "falsifiers",), root / ".pv/ledger.jsonl")
    return made(contracts, contracts, root / "docs/contracts", config)


@pytest.fixture(scope="module")
def page(maker: Maker) -> Checker:
    text = pages_of(contract(maker))["softmax-v1.html"]
    return checked(text, {"index.html", "../../contracts/softmax-v1.yaml"})


@pytest.mark.parametrize("at", range(len(OBLIGATIONS)), ids=[keys.partition(",")[0] for keys, _ in OBLIGATIONS])
def test_every_type_of_obligation_is_drawn(page: Checker, at: int) -> None:
    section = page.text.partition(f"what {at} says")[2].partition("if it fails")[0]
    assert OBLIGATIONS[at][1] in section


def test_the_domain_in_words(page: Checker) -> None:
    for words in (
        "m whole number 1, 2 or 4",
        "n whole number 1 to 8",
        "x float32 array, m \u00d7 n \u2212 1000 to 1000 , no two equal in a row",
        "w bfloat16 array, n any pattern of bits and NaN and ±∞ among them",
        "t 32-bit integer \u22121 or 1",
        "b array of bytes, n 0 to 255",
        "flag truth value true or false",
    ):
        assert words in page.text


def test_what_an_equation_is_made_of_stands_first(page: Checker) -> None:
    assert (
        page.text.index("y i = e i ∑ j e j")
        < page.text.index("with e i = e x i")
        < page.text.index("2 more names for obligations far i =")
    )
    assert "off i = 1 \u2212 y i" in page.text
    assert "called as softmax(x, w, t, b, flag) gives 0 <= p <= 1" in page.text
    assert "prose y = x where all x" in page.text
    assert "judges the functions of kernels" in page.text


def test_signs_are_explained_once_where_they_are_used(page: Checker) -> None:
    signs = page.text.partition("Signs")[2]
    assert signs.count("u is the unit roundoff") == 1
    assert "≡ is equality of every bit" in signs
    assert "lead (Higham" not in signs  # no gamma on this page


def test_the_kill_matrix_has_a_row_a_mutant(page: Checker) -> None:
    matrix = page.text.partition("Kill matrix")[2]
    assert f"0 of {len(OBLIGATIONS)} mutants killed" in matrix
    for at in range(len(OBLIGATIONS)):
        assert f" m{at} " in matrix


def test_nothing_foreign_becomes_markup(maker: Maker) -> None:
    hostile = (
        maker.hostile.replace("\\", "\\\\").replace('"', '\\"').replace("\u202e", "\\u202E").replace("\x1b", "\\e")
    )
    fields = [
        "description: What it is",
        "references: [r]",
        'codomain: "0 <= p <= 1"',
        "property: 'what 0 says'",
        "rule: r",
        'title: "a < b"',
    ]
    text = (
        (
            SOFTMAX
            % (
                "  - {id: o0, type: frame, property: 'what 0 says', applies_to: softmax}\n",
                CLAIM % (0, 0, 0)
                + f'  - {{id: "{hostile}", rule: "{hostile}", prediction: p, if_fails: q, binds_to: prose, mutants: [{{id: "{hostile}", stage: "{hostile}"}}]}}\n',
            )
        )
        .replace('description: "What it is. And more."', f'description: "{hostile}"')
        .replace("references: [r]", f'references: ["{hostile}", "see https://a.example/?q=<b>."]')
    )
    for field in fields[2:4] + fields[5:]:
        key = field.partition(":")[0]
        text = text.replace(field, f'{key}: "{hostile}"')
    found = pages_of(maker.contract(text, "softmax-v1"))
    page = checked(found["softmax-v1.html"], {"index.html", "../../contracts/softmax-v1.yaml"})
    checked(found["index.html"], {"index.html", "softmax-v1.html"})
    assert "img" not in page.tags
    assert page.text.count("<img src=x onerror='window.hacked=1'>") >= 6
    assert not {"\u202e", "\x1b"} & set(found["softmax-v1.html"] + found["index.html"])
    assert "https://a.example/?q=" in page.targets


def test_what_is_not_of_the_language_stands_as_text(maker: Maker) -> None:
    text = SOFTMAX % (
        "  - {id: o0, type: invariant, property: odd, applies_to: softmax, formal: 'forall x: y > 0'}\n",
        CLAIM % (0, 0, 0),
    )
    found = pages_of(
        maker.contract(text, "a-v1"), maker.contract(text.replace("formal: e / sum(e)", "formal: e /"), "b-v1")
    )
    page = checked(found["a-v1.html"], {"index.html", "../../contracts/a-v1.yaml"})
    assert "invariant odd o0 forall x: y > 0" in page.text
    other = checked(found["b-v1.html"], {"index.html", "../../contracts/b-v1.yaml"})
    assert "softmax p where m : 1, 2, 4" in other.text


def test_equations_without_a_formula_of_their_own(maker: Maker) -> None:
    text = (
        HEAD
        + """
equations:
  add:
    formula: a + b, whichever comes first
    kernel: plus(a, b, axis=n)
    domain: {n: 1..8, a: {dtype: f32, shape: [n], range: [-1, 1]}, b: {dtype: f32, shape: [n], range: [-1, 1]}}
    let: {whole: a + b, error: y - whole}
proof_obligations:
  - {id: o, type: associativity, property: in any order, applies_to: add, tolerance: u}
  - {type: invariant, property: nobody tests this, formal: "forall a: a = a", tolerance: 1}
falsification_tests:
  - {id: A 1, obligation: o, rule: r, prediction: p, if_fails: q, binds_to: add, params: {n: [1, 2]}, mutants: [{id: m, stage: plus, note: a hint}]}
  - {id: A-1, rule: r, prediction: p, if_fails: q, binds_to: add, tolerance: 0.5, domain: {n: [1, 2]}}
  - {id: claims, rule: r, prediction: p, if_fails: q}
"""
    )
    page = checked(pages_of(maker.contract(text, "a-v1"))["a-v1.html"], {"index.html", "../../contracts/a-v1.yaml"})
    assert (
        "add a + b, whichever comes first 2 more names for obligations whole i = a i + b i error = y \u2212 whole called as plus(a, b, axis=n)"
        in page.text
    )
    first = "plus \u2061 ( plus \u2061 ( a , b , axis = n ) , c , axis = n )"
    assert f"| {first} \u2212 plus \u2061 ( a , plus \u2061 ( b , c , axis = n ) , axis = n ) | ≤ u" in page.text
    assert "Obligations invariant nobody tests this forall a: a = a tolerance 1" in page.text
    assert "run with n = 1, 2" in page.text
    assert "tolerance 0.5 holds for n : 1, 2" in page.text
    assert "m not run plus a hint" in page.text
    assert "it names no mutant: nothing shows that its falsifier can fail" in page.text
    assert {"A-1", "A-1-", "claims", "claims-"} <= set(page.ids)


def test_two_contracts_of_one_name_have_no_pages(maker: Maker) -> None:
    with pytest.raises(UsageProblem, match="two contracts are called a-v1"):
        pages_of(maker.contract(maker.format, "a-v1"), maker.contract(maker.format, "a-v1"))


def test_contracts_lead_to_those_that_they_build_upon(maker: Maker) -> None:
    upper = (HEAD + "equations: {f: {formula: x}}\nfalsification_tests: []\n").replace(
        "references: [r]", "references: [r], depends_on: [b-v1, gone-v1]"
    )
    found = pages_of(maker.contract(upper, "a-v1"), maker.contract(maker.format, "b-v1"))
    page = checked(found["a-v1.html"], {"index.html", "b-v1.html", "../../contracts/a-v1.yaml"})
    assert "b-v1.html" in page.targets
    assert "builds upon gone-v1" in page.text


def test_the_index_has_kernels_first(maker: Maker) -> None:
    found = pages_of(maker.contract(maker.format, "a-v1"), contract(maker))
    index = checked(found["index.html"], {"index.html", "a-v1.html", "softmax-v1.html"})
    assert (
        index.text.index("Kernels and equations")
        < index.text.index("softmax-v1")
        < index.text.index("Runtime")
        < index.text.index("a-v1")
    )
    assert "softmax-v1 What it is PROPOSED 23 23 - -" in index.text


def test_without_numpy_a_page_says_what_its_picture_needs(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equations, "can_compute", lambda: False)
    text = pages_of(contract(maker))["softmax-v1.html"]
    assert "asks for a picture here; drawing it needs numpy" in Checker(text).text
    assert "<svg" not in text


def test_pages_with_pictures_are_not_checked_without_numpy(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    path = tmp_path / "contracts" / "softmax-v1.yaml"
    path.write_text(contract(maker).document.source.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["docs"]) == 0
    assert main(["docs", "--check"]) == 0
    monkeypatch.setattr("pv.report.pages.curves.can_compute", lambda: False)
    assert main(["docs", "--check"]) == 2
    assert "pip install numpy" in capsys.readouterr().err
    path.write_text(path.read_text(encoding="utf-8").replace("plot:", "x-plot:"), encoding="utf-8")
    assert main(["docs", "--check"]) == 1  # a page without a picture can be


def test_the_checker_finds_what_is_wrong() -> None:
    for wrong in (
        "<p><div></div></p>",
        "<li>a</li>",
        "<b>",
        "</b>",
        "<b id=x id=y></b>",
        "<b onclick=x></b>",
        "<script></script>",
        "<i><b></i></b>",
    ):
        with pytest.raises(AssertionError):
            Checker(wrong)
    with pytest.raises(AssertionError):
        checked('<!DOCTYPE html>\n<html lang="en"><a href="gone.html">x</a></html>', set())


ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "docs" / "contracts"


def test_the_contracts_here_have_the_pages_that_would_be_written() -> None:
    config = find_config(ROOT)
    contracts = [one.contract for one in read_all(walk(config.contracts), ROOT) if one.contract is not None]
    pages = made(contracts, contracts, FOLDER, config)
    assert outdated(pages, FOLDER, whole=True) == {}, "run `make docs`"
    assert len(pages) == len(contracts) + 1 > 20


def test_the_pages_here_are_valid_and_lead_nowhere_in_vain() -> None:
    paths = sorted(FOLDER.glob("*.html"))
    others = {one.name for one in paths} | {
        f"../../contracts/{one.name}" for one in (ROOT / "contracts").glob("*.yaml")
    }
    formulas = 0
    for path in paths:
        text = path.read_text(encoding="utf-8")
        page = checked(text, others)
        formulas += page.tags.count("math")
        for found in re.findall(r"<math.*?</math>", text, re.DOTALL):
            for one in ET.fromstring(found).iter():  # noqa: S314  our own output
                assert len(one) == CHILDREN.get(one.tag, len(one)), f"{path.name}: {one.tag}: {found}"
    assert formulas > 500
