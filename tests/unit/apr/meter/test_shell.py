"""Blanks of commands, held against what bash itself makes of the commands."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.meter.shell import normalise
from apr.meter.shell.quotes import Doubt
from apr.meter.shell.reader import Reader

BASH = shutil.which("bash")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("  ls \t -l  ", "ls -l"),
        ("ls;", "ls"),
        ("ls ; ", "ls"),
        ("ls  \\\n  -l", "ls \\\n -l"),
        ("(cd x;  ls)  ;", "(cd x; ls)"),
        ("a  && b  ||  c  | d", "a && b || c | d"),
        ("find . -exec ls {}  \\;", "find . -exec ls {} \\;"),
        ("ls \\  ;", "ls \\ "),
        ("x  'a  b'  \"c  d\"  $'e\\'  f'", "x 'a  b' \"c  d\" $'e\\'  f'"),
        ("x  # a  b  ", "x # a  b  "),
        ("x  #a\n  y  z", "x #a\n y z"),
        ("x  a#b  c", "x a#b c"),
        ("echo $#  ${#a}  $$", "echo $# ${#a} $$"),
        ("cat  <<E  >f\n a  b\n\nE\nx  y", "cat <<E >f\n a  b\n\nE\nx y"),
        ("cat  <<-'E'\n\ta  $b\\\n\tE\nx  y", "cat <<-'E'\n\ta  $b\\\n\tE\nx y"),
        ("cat  <<A  <<B\na  a\nA\nb  b\nB", "cat <<A <<B\na  a\nA\nb  b\nB"),
        ("cat  <<< 'a  b'", "cat <<< 'a  b'"),
        ('x  -m "$(cat <<\'E\'\na  "b\nE\n)"  y', 'x -m "$(cat <<\'E\'\na  "b\nE\n)" y'),
        ("x  $(ls  -l  'a  b')  y", "x $(ls -l 'a  b') y"),
        ('x  "$(ls  ")"  -l)"  y', 'x "$(ls  ")"  -l)" y'),
        ("x  `ls  -l`  y", "x `ls  -l` y"),
        ("x  $((1  + (2 * 3)))  y", "x $((1  + (2 * 3))) y"),
        ('x  ${a:-b  c}  "${d:-e  f}"', 'x ${a:-b  c} "${d:-e  f}"'),
        ("a=(1   2)  ;", "a=(1 2)"),
        ("diff <(ls  a)  >(cat  b)", "diff <(ls a) >(cat b)"),
        ("[ -f  x ]  &&  [[ -d  y ]]", "[ -f x ] && [[ -d y ]]"),
        ("ls  [a-z]*  a[1]", "ls [a-z]* a[1]"),
        ("for i in a  b; do  c;  done;", "for i in a b; do c; done"),
        ("{ a;  b; }  ;", "{ a; b; }"),
        ("ls\t-l", "ls -l"),
        (" ls", "ls"),
        ("ls ", "ls"),
        ("a;  b", "a; b"),
        ('x  "a\\"  b"  y', 'x "a\\"  b" y'),
        ('x  "f(a"  "$ b"  y', 'x "f(a" "$ b" y'),
        ("x  `a \\` b`  y", "x `a \\` b` y"),
        ("x  $((1 << 2))  y", "x $((1 << 2)) y"),
        ('x  "$(echo "a")"  y', 'x "$(echo "a")" y'),
        ('x  "$( (a); b ")" )"  y', 'x "$( (a); b ")" )" y'),
        ("x  $'\\'  a'  y", "x $'\\'  a' y"),
        ("x  $'a\\\\'  y", "x $'a\\\\' y"),
        ("x  $$'a\\'  y", "x $$'a\\' y"),
        ("echo a$  'b  c'", "echo a$ 'b  c'"),
        ('x  ${a:-"b"}  y', 'x ${a:-"b"} y'),
        ("x  ${a:-\\}  b}  y", "x ${a:-\\}  b} y"),
        ("x  ${a:-\\}}  y", "x ${a:-\\}} y"),
        ("x  ${a:-'}  b'}  y", "x ${a:-'}  b'} y"),
        ("x  ${a:-$(b  })}  y", "x ${a:-$(b  })} y"),
        ("x  $((16#ff))  y", "x $((16#ff)) y"),
        ("x  $((${a:-)} + 1))  y", "x $((${a:-)} + 1)) y"),
        ("x  $(( (1) + ((2)) ))  y", "x $(( (1) + ((2)) )) y"),
        ("((1 << 2))  &&  x", "((1 << 2)) && x"),
        ("((1 + 2))  && x\ny  z", "((1 + 2)) && x\ny z"),
        ("a  &&((1 < 2))", "a &&((1 < 2))"),
        ('x  \'\'  ""  ``  $""  y', 'x \'\' "" `` $"" y'),
        ('x  $"a  b"  y', 'x $"a  b" y'),
        ("x  a~  =a  y", "x a~ =a y"),
        ("PATH=~/bin  ls", "PATH=~/bin ls"),
        ("(<f  cat)", "(<f cat)"),
        ("cat  <(  ls)  $(  ls)", "cat <( ls) $( ls)"),
        ("cat  <<<  'a  b'", "cat <<< 'a  b'"),
        ("cat  <<\\E\na\\\nE\nx  y", "cat <<\\E\na\\\nE\nx y"),
        ('cat  <<"E"\na  b\nE\nx  y', 'cat <<"E"\na  b\nE\nx y'),
        ("[  -f x ]  ||  [[  a ]]", "[ -f x ] || [[ a ]]"),
        ("ls  ['a']  x", "ls ['a'] x"),
        ("echo  a{;", "echo a{"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_blanks_that_say_nothing(command: str, expected: str) -> None:
    assert normalise(command) == expected
    assert normalise(expected) == expected


@pytest.mark.parametrize(
    "command",
    [
        "ls;;", "ls; ;", "ls & ;", "ls |;", "ls\n;", ";", "\\\n;", "ls >;", "{;", "ls&&;",
        "echo  'a", 'echo  "a', "echo  `a", "echo  $(a", "echo  ${a", "echo  $((a", "(ls  ", "ls  )", "ls  \\",
        "case  x in a)  b;; esac", 'echo  "$(case x in a)  b;; esac)"', "[[ a  =~ b  c ]]", "ls  @(a  b)",
        "a[1  2]=3", "ls  [a  b]", "([a  b]=1)", "cat  <<E", "cat  <<E\na\nE;", "cat  <<E\na\\\nE\n", "cat  <<$(x)\na\n",
        "echo  `a 'b`", "echo  $[1  + 2]", "echo  ${ ls; }", "echo  \"${a#'}\"", "ls  \0", "cat  <<E $(ls)  )",
        'x  "`echo "a  b"`"  y', 'echo  "${a#\'}\'}"', "x  `cat <<E`\na  b\nE", "echo  $[1+2]", 'x  $(("1"  + 2))', "((a # ((\n))))  y", "((a #b ((\n))))  y", "x  $((${a:-'}'}))  y", "x  <((a  b))", "a  ) (b", "([ -f  x ])", "a[ 1  ]=2", "a[ ]=2  x", 'x  "$(cat <<E)"  y\na  b\nE', '"$(',
        "((1  << 2))\nx  y", "$(cat  <<E)\na\nE\n", "((a  #)\n))", "<((a  b))",
    ],
)  # fmt: skip
def test_in_doubt_nothing_is_changed(command: str) -> None:
    assert normalise(command) == command


PIECES = [
    "ls", "echo", "a", "b", " ", "  ", "\t", " ", "  ", "\n", "; ", " ;", ";", "&&", "||", "|", "&", "'x  y'", '"p  q"',
    "$'t\\'  u'", '"$(ls  "z  w")"', "$(ls  -l)", "`ls  -l`", "$((1  + 2))", "((i  = 1))", "(", ")", "{ ", "}", "# c  d", "#",
    "\\", "\\\n", "\\ ", "\\;", "<<E", "\nE\n", "<<-'E'", "\n\tE\n", "<<<", " >f", "2>&1", "<(ls  a)", "${a:-x  y}",
    '"${a:-x  y}"', "${#a}", "$#", "$$", "a=(1  2)", "a[1]=2", "a[1  2]=3", "[ -f  x ]", "[[ a  == b ]]", "[[ a =~ b  c ]]",
    "@(a  b)", "!", "case x in a)  b;; esac", "if a;  then b; fi", "for i in a  b; do c;  done", "f() {  a; }", "time", "=",
    "~", "é", "\u00a0", "\r", "*", "?", "[a-z]", "[a z]", "{a,b}", "'", '"', "`", "$", "<", "$[1 + 2]", '"`ls  "a"`"',
]  # fmt: skip


def read_by_bash(command: str) -> bytes | None:
    """The command as bash prints what it understood; None where it refuses it."""
    assert BASH is not None
    done = subprocess.run(
        [BASH, "--norc", "--pretty-print", "/dev/stdin"],
        input=command.encode(),
        capture_output=True,
        check=False,
        timeout=60,
        env={"LC_ALL": "C.UTF-8"},
    )
    return None if done.returncode else done.stdout.rstrip(b"\n")


def made_up(seed: int, count: int) -> list[str]:
    """Commands, sound and broken, in which something is changed."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    found: list[str] = []
    while len(found) < count:
        command = "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 9)))
        if normalise(command) != command:
            found.append(command)
    return found


def misread(count: int) -> list[str]:
    return [one for one in made_up(5, count) if read_by_bash(one) != read_by_bash(normalise(one))]


@pytest.fixture(scope="module")
def bash() -> None:
    if BASH is None:
        pytest.skip("there is no bash here")
    if read_by_bash("echo  a") != b"echo a":
        pytest.skip("this bash cannot print what it reads (before 5.2)")


@pytest.mark.usefixtures("bash")
def test_bash_reads_the_same() -> None:
    assert misread(250) == []
    assert sum(read_by_bash(one) is not None for one in made_up(5, 250)) > 80  # or nothing is shown


@pytest.mark.usefixtures("bash")
@pytest.mark.parametrize("fault", ["split", "all semicolons", "quotes"])
def test_bash_finds_faults_out(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    sound = normalise
    faults = {
        "split": lambda command: " ".join(command.split()),
        "all semicolons": lambda command: sound(command).rstrip("; "),
        "quotes": lambda command: sound(command.replace("'", " ").replace('"', " ")),
    }
    monkeypatch.setitem(globals(), "normalise", faults[fault])
    assert misread(60)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_once_is_enough(command: str) -> None:
    assert normalise(normalise(command)) == normalise(command)


@given(st.text(max_size=30))
def test_only_blanks_and_a_semicolon_go(command: str) -> None:
    kept = [letter for letter in normalise(command) if letter not in " \t;"]
    assert kept == [letter for letter in command if letter not in " \t;"]


@pytest.mark.parametrize(
    "piece", ['"$(', "${a:-", "[", "((", "$(", "`", "<<E ", "<<E\n", "a  ", "'", "\\", '"${', "$'", ")", "[ "]
)
def test_deep_and_long_commands_end(piece: str) -> None:
    command = "x  " + piece * 20_000
    assert normalise(command) in {command, "x " + piece * 20_000, "x " + "a " * 19_999 + "a", "x" + " [" * 20_000}


def test_the_quick_way_changes_nothing_that_the_long_way_would() -> None:
    draw = random.Random(11)  # noqa: S311 - no secret
    commands = ["".join(draw.choice(PIECES) for _ in range(draw.randint(1, 9))) for _ in range(3000)]
    quick = [one for one in commands if "  " not in one and "\t" not in one and one.strip(" ;") == one]
    assert len(quick) > 300
    for one in quick:
        try:
            reader = Reader(one)
            reader.read(inner=False)
        except Doubt:
            continue
        assert reader.squeezed() == one
