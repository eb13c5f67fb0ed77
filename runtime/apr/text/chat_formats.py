"""Chat formats that go by a name, as templates: for .apr files that say `chat_format` and carry no template.

None begins with BOS, which encoding puts there. `llama3` is ours; the other names, and what they stand for, are those of
the .apr format (aprender, `text/chat_template.rs`). Messages that a format has no place for are refused, never dropped.
"""

from __future__ import annotations

_ANY_ROLE = "{%- set roles = ['system', 'user', 'assistant'] -%}"
_CHECK = "{%- if m.role not in roles %}{{ raise_exception('there is no place for a message of role ' ~ m.role) }}{% endif -%}"
_EACH = f"{_ANY_ROLE}{{%- for m in messages -%}}{_CHECK}"
_ASK = "{%- endfor -%}{%- if add_generation_prompt -%}"
# [INST] with a system text in the first message to come, and BOS before every later turn
_LLAMA2 = (
    f"{_ANY_ROLE}{{%- set turn = namespace(system=none, first=true) -%}}{{%- for m in messages -%}}{_CHECK}"
    "{%- if m.role == 'system' -%}{%- set turn.system = m.content -%}"
    "{%- elif m.role == 'user' -%}"
    "{{ '' if turn.first else bos_token }}{{ '[INST] ' }}{%- set turn.first = false -%}"
    "{%- if turn.system is not none -%}{{ '<<SYS>>\n' ~ turn.system ~ '\n<</SYS>>\n\n' }}{%- set turn.system = none -%}{%- endif -%}"
    "{{ m.content ~ ' [/INST]' }}"
    "{%- else -%}{{ ' ' ~ m.content ~ eos_token }}{%- endif -%}{%- endfor -%}"
)
_MISTRAL = (
    f"{{%- set roles = ['user', 'assistant'] -%}}{{%- for m in messages -%}}{_CHECK}"
    "{{ '[INST] ' ~ m.content ~ ' [/INST]' if m.role == 'user' else ' ' ~ m.content ~ eos_token }}{%- endfor -%}"
)


def _headed(heads: dict[str, str], tail: str, ask: str) -> str:
    """Messages with a head by role and a tail, then the head of the answer."""
    return f"{_EACH}{{{{ {heads}[m.role] ~ m.content ~ {tail!r} }}}}{_ASK}{{{{ {ask!r} }}}}{{%- endif -%}}"


FORMATS = {
    "chatml": f"{_EACH}{{{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content ~ '<|im_end|>\n' }}}}{_ASK}{{{{ '<|im_start|>assistant\n' }}}}{{%- endif -%}}",
    "llama2": _LLAMA2,
    "llama3": f"{_EACH}{{{{ '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\n\n' ~ m.content | trim ~ '<|eot_id|>' }}}}{_ASK}{{{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}}}{{%- endif -%}}",
    "mistral": _MISTRAL,
    "phi": _headed({"system": "", "user": "Instruct: ", "assistant": "Output: "}, "\n", "Output:"),
    "alpaca": _headed({"system": "", "user": "### Instruction:\n", "assistant": "### Response:\n"}, "\n\n", "### Response:\n"),
    "raw": f"{_EACH}{{{{ m.content }}}}{{%- endfor -%}}",
}  # fmt: skip
