"""What the upstream's program reads and what it refuses; every answer here was given by that program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.apr.meter.upstream.conftest import Upstream

PROMPT = '{"kind":"user_prompt","v":1,"turn":0,"text":"a"}'
TURN = '{"kind":"assistant_turn","v":1,"turn":1,"blocks":%s,"stop_reason":"end_turn"}'
RESULT = '{"kind":"tool_result","v":1,"turn":1,"tool_use_id":"t","ok":true,"content":""%s}'
HOOK = '{"kind":"hook_event","v":1,"turn":1,"event":"e","decision":"allow","exit_code":0%s}'
SKILL = '{"kind":"skill_invocation","v":1,"turn":1,"name":"n","source":"user_invoked"%s}'
END = '{"kind":"session_end","v":1,"turn":1,"stop_reason":%s,"elapsed_ms":0,"tokens_in":0,"tokens_out":0}'
CALL = TURN % '[{"type":"tool_use","id":"t","name":"X","input":%s}]'

READ = {
    "nothing": "",
    "only blank lines": "\n \n\u2028\n\xa0\n",
    "no line end behind the last": PROMPT,
    "carriage returns": f"{PROMPT}\r\n{PROMPT}\r",
    "blanks around": f" \t{PROMPT} ",
    "keys in another order": '{"text":"a","turn":0,"v":1,"kind":"user_prompt"}',
    "any v": PROMPT.replace('"v":1', '"v":999'),
    "an unknown field": PROMPT.replace("}", ',"more":[1]}'),
    "an unknown field twice": PROMPT.replace("}", ',"more":1,"more":2}'),
    "a record as an array": '["user_prompt",1,0,"a"]',
    "an array without what has a default": '["hook_event",1,1,"e",null,"allow",0]',
    "a block as an array": TURN % '[["text","a"]]',
    "a block by its number": TURN % '[{"type":0,"text":"a"}]',
    "no blocks": TURN % "[]",
    "an end for any reason": END % '"tool_use"',
    "a reason as an object": END % '{"end_turn":null}',
    "a reason as an object with an empty one": END % '{"end_turn":{}}',
    "no side effects": RESULT % ',"side_effects":null',
    "side effects as an array": RESULT % ',"side_effects":[["a"],[],3]',
    "unknown side effects": RESULT % ',"side_effects":{"net":true}',
    "no matcher": HOOK % ',"matcher":null',
    "a decision that contradicts": HOOK.replace('"exit_code":0', '"exit_code":2') % "",
    "any JSON as input": CALL % "[1,null]",
    "an input with a key twice": CALL % '{"a":1,"a":2}',
    "a whole pair of surrogates": CALL % r'"\ud83d\ude00"',
    "as deep as it goes": CALL % ("[" * 124 + "]" * 124),
    "an integer no 64 bits hold": CALL % str(10**30),
}
REFUSED = {
    "no kind": PROMPT.replace('"kind":"user_prompt",', ""),
    "kind twice": PROMPT.replace("}", ',"kind":"user_prompt"}'),
    "an unknown kind": PROMPT.replace("user_prompt", "user"),
    "a kind by its number": PROMPT.replace('"user_prompt"', "1"),
    "a field twice": PROMPT.replace("}", ',"turn":0}'),
    "a field missing": PROMPT.replace('"turn":0,', ""),
    "1.0 for an integer": PROMPT.replace('"turn":0', '"turn":1.0'),
    "-0 for an integer": PROMPT.replace('"turn":0', '"turn":-0'),
    "a text for an integer": PROMPT.replace('"turn":0', '"turn":"0"'),
    "true for an integer": PROMPT.replace('"turn":0', '"turn":true'),
    "below zero": PROMPT.replace('"turn":0', '"turn":-1'),
    "more than 32 bits": PROMPT.replace('"turn":0', f'"turn":{2**32}'),
    "a number for a text": PROMPT.replace('"a"', "1"),
    "two objects in a line": PROMPT * 2,
    "half an object": PROMPT[:-1],
    "a pretty-printed one": PROMPT.replace(",", ",\n"),
    "a byte order mark": f"\ufeff{PROMPT}",
    "a no-break space in front": f"\xa0{PROMPT}",
    "a number": "1",
    "an empty array": "[]",
    "too long an array": '["user_prompt",1,0,"a",1]',
    "too short an array": '["user_prompt",1,0]',
    "a block that is a text": TURN % '["a"]',
    "an unknown block": TURN % '[{"type":"image"}]',
    "a number of no block": TURN % '[{"type":3,"text":"a"}]',
    "a call without input": TURN % '[{"type":"tool_use","id":"t","name":"X"}]',
    "blocks as an object": TURN % "{}",
    "a reason in capitals": END % '"END_TURN"',
    "a reason with something behind it": END % '{"end_turn":1}',
    "two reasons": END % '{"end_turn":null,"error":null}',
    "an end without tokens": (END % '"end_turn"').replace(',"tokens_out":0', ""),
    "content that is an object": RESULT.replace('"content":""', '"content":{}') % "",
    "side effects twice in one": RESULT % ',"side_effects":{"exit_code":1,"exit_code":1}',
    "null files": RESULT % ',"side_effects":{"files_read":null}',
    "null output": HOOK % ',"output":null',
    "null for injected": SKILL % ',"instructions_injected":null',
    "NaN": CALL % "NaN",
    "infinity": CALL % "-Infinity",
    "a number out of range": CALL % "1e400",
    "half a pair": CALL % r'"\ud800"',
    "half a pair as a key": CALL % r'{"\udc00":1}',
    "a tab in a text": CALL % '"\t"',
    "deeper than it goes": CALL % ("[" * 125 + "]" * 125),
    "so deep that Python gives up": CALL % ("[" * 100_000),
    "a leading zero": CALL % "01",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_it_is_read(upstream: Upstream, text: str) -> None:
    assert upstream.reads(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_it_is_refused(upstream: Upstream, text: str) -> None:
    assert not upstream.reads(text)


def test_bytes_that_are_no_text_are_refused(upstream: Upstream) -> None:
    assert not upstream.reads(PROMPT.encode().replace(b'"a"', b'"\xff"'))


def test_what_is_left_out_has_its_default(upstream: Upstream) -> None:
    [(_, hook), (_, skill), (_, result)] = upstream.records("\n".join((HOOK % "", SKILL % "", RESULT % "")))
    assert (hook["matcher"], hook["output"]) == (None, "")
    assert skill["instructions_injected"] is False
    assert result["side_effects"] is None
