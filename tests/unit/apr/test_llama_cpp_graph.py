"""Stages in llama.cpp's graphs, as its builds make them: 0.3.36 of llama-cpp-python, and b11549, which looks up more rows first.

A graph is a table: node, operation, extents (innermost first), sources, and what is taken once it is computed: a stage,
or `stage@1` for the node's second source. Sources without a line are weights (of the layer, or with their whole name) and
inputs.
"""

from __future__ import annotations

import pytest

from apr.engines.llama_cpp.graph import Part, Recogniser, Take

START = """
embd       | GET_ROWS | 256 7   | token_embd.weight inp_tokens | embedding
"""
START_B11549 = """
mixed      | GET_ROWS | 256 1   | token_embd.weight inp_mixed_tokens |
mixed_dup  | DUP      | 256 1   | mixed                        |
embd       | GET_ROWS | 256 7   | token_embd.weight inp_tokens | embedding
mixed_set  | SET_ROWS | 256 7   | mixed_dup inp_mixed_slots    |
"""
NORM = """
a_norm     | RMS_NORM | 256 7   | in                           |
a          | MUL      | 256 7   | a_norm attn_norm             | attn_norm
"""
PROJECTIONS = """
q          | MUL_MAT  | 256 7   | attn_q a                     | qkv_matmul.q
q3         | RESHAPE  | 64 4 7  | q                            |
q_rope     | ROPE     | 64 4 7  | q3 inp_pos                   | q_post_rope
v          | MUL_MAT  | 128 7   | attn_v a                     | qkv_matmul.v
v_out      | RESHAPE  | 64 2 7  | v                            |
k          | MUL_MAT  | 128 7   | attn_k a                     | qkv_matmul.k
k3         | RESHAPE  | 64 2 7  | k                            |
k_rope     | ROPE     | 64 2 7  | k3 inp_pos rope_freqs.weight | k_post_rope
"""
BIASED = """
q          | MUL_MAT  | 256 7   | attn_q a                     | qkv_matmul.q
qb         | ADD      | 256 7   | q attn_q.bias                | qkv_bias.q
q3         | RESHAPE  | 64 4 7  | qb                           |
q_rope     | ROPE     | 64 4 7  | q3 inp_pos                   | q_post_rope
v          | MUL_MAT  | 128 7   | attn_v a                     | qkv_matmul.v
vb         | ADD      | 128 7   | v attn_v.bias                | qkv_bias.v
v_out      | RESHAPE  | 64 2 7  | vb                           |
k          | MUL_MAT  | 128 7   | attn_k a                     | qkv_matmul.k
kb         | ADD      | 128 7   | k attn_k.bias                | qkv_bias.k
k3         | RESHAPE  | 64 2 7  | kb                           |
k_rope     | ROPE     | 64 2 7  | k3 inp_pos                   | k_post_rope
"""
NORMED_HEADS = """
q          | MUL_MAT  | 256 7   | attn_q a                     | qkv_matmul.q
q3         | RESHAPE  | 64 4 7  | q                            |
q_norm0    | RMS_NORM | 64 4 7  | q3                           |
q_norm     | MUL      | 64 4 7  | q_norm0 attn_q_norm          | q_norm
q_rope     | ROPE     | 64 4 7  | q_norm inp_pos               | q_post_rope
v          | MUL_MAT  | 128 7   | attn_v a                     | qkv_matmul.v
v_out      | RESHAPE  | 64 2 7  | v                            |
k          | MUL_MAT  | 128 7   | attn_k a                     | qkv_matmul.k
k3         | RESHAPE  | 64 2 7  | k                            |
k_norm0    | RMS_NORM | 64 2 7  | k3                           |
k_norm     | MUL      | 64 2 7  | k_norm0 attn_k_norm          | k_norm
k_rope     | ROPE     | 64 2 7  | k_norm inp_pos               | k_post_rope
"""
ATTENTION = """
k_view     | VIEW     | 128 7   | k_rope                       |
k_set      | SET_ROWS | 128 256 | k_view k_idxs cache_k        |
v_flat     | RESHAPE  | 128 7   | v_out                        |
v_set      | SET_ROWS | 1 32768 | v_flat v_idxs cache_v        |
v_cache    | VIEW     | 256 2 64| v_set                        |
v_perm     | PERMUTE  | 256 64 2| v_cache                      |
k_cache    | VIEW     | 64 2 256| k_set                        |
k_perm     | PERMUTE  | 64 256 2| k_cache                      |
q_view     | VIEW     | 64 4 7  | q_rope                       |
q_perm     | PERMUTE  | 64 7 4  | q_view                       |
kq         | MUL_MAT  | 256 7 4 | k_perm q_perm                |
kq_soft    | SOFT_MAX | 256 7 4 | kq mask                      |
kqv        | MUL_MAT  | 64 7 4  | v_perm kq_soft               |
kqv_perm   | PERMUTE  | 64 4 7  | kqv                          |
kqv_out    | CONT     | 256 7   | kqv_perm                     |
o          | MUL_MAT  | 256 7   | attn_output kqv_out          | attention@1 attn_out
"""
# the last layer picks the rows whose logits are wanted
MIDDLE = """
mid        | ADD      | 256 7   | o in                         | post_attn_residual
"""
MIDDLE_OF_THE_LAST = """
o_rows     | GET_ROWS | 256 7   | o inp_out_ids                |
in_rows    | GET_ROWS | 256 7   | in inp_out_ids               |
mid        | ADD      | 256 7   | o_rows in_rows               | post_attn_residual
"""
FFN_NORM = """
f_norm     | RMS_NORM | 256 7   | mid                          |
f          | MUL      | 256 7   | f_norm ffn_norm              | ffn_norm
"""
DENSE = """
gate       | MUL_MAT  | 512 7   | ffn_gate f                   | ffn_gate
up         | MUL_MAT  | 512 7   | ffn_up f                     | ffn_up
glu        | GLU      | 512 7   | gate up                      |
down       | MUL_MAT  | 256 7   | ffn_down glu                 | ffn_swigl@1 ffn_out
out        | ADD      | 256 7   | down mid                     | post_ffn_residual
"""
ROUTER = """
logits     | MUL_MAT  | 8 7     | ffn_gate_inp f               |
probs      | SOFT_MAX | 8 7     | logits                       |
probs3     | RESHAPE  | 1 8 7   | probs                        |
argsort    | ARGSORT  | 8 7     | probs                        |
"""
TWO_EXPERTS = """
topk       | VIEW     | 2 7     | argsort                      |
w          | GET_ROWS | 1 2 7   | probs3 topk                  |
w2         | RESHAPE  | 2 7     | w                            |
w_sum      | SUM_ROWS | 1 7     | w2                           |
w_clamp    | CLAMP    | 1 7     | w_sum                        |
w_norm     | DIV      | 2 7     | w2 w_clamp                   |
w3         | RESHAPE  | 1 2 7   | w_norm                       |
f3         | RESHAPE  | 256 1 7 | f                            |
gate       | MUL_MAT_ID | 256 2 7 | ffn_gate_exps f3 topk      | moe_router_indices@2 ffn_gate
up         | MUL_MAT_ID | 256 2 7 | ffn_up_exps f3 topk        | ffn_up
glu        | GLU      | 256 2 7 | gate up                      |
down       | MUL_MAT_ID | 256 2 7 | ffn_down_exps glu topk     | ffn_swigl@1
weighted   | MUL      | 256 2 7 | down w3                      | moe_router@1
e0         | VIEW     | 256 7   | weighted                     |
e1         | VIEW     | 256 7   | weighted                     |
sum        | ADD      | 256 7   | e0 e1                        | moe_ffn_out
out        | ADD      | 256 7   | sum mid                      | post_ffn_residual
"""
# the second product first, views when they are needed, and the residual the other way round
FOUR_EXPERTS = """
up         | MUL_MAT_ID | 256 4 7 | ffn_up_exps f topk         | ffn_up
gate       | MUL_MAT_ID | 256 4 7 | ffn_gate_exps f topk       | moe_router_indices@2 ffn_gate
glu        | GLU      | 256 4 7 | gate up                      |
down       | MUL_MAT_ID | 256 4 7 | ffn_down_exps glu topk     | ffn_swigl@1
weighted   | MUL      | 256 4 7 | down w3                      | moe_router@1
e0         | VIEW     | 256 7   | weighted                     |
e1         | VIEW     | 256 7   | weighted                     |
sum1       | ADD      | 256 7   | e0 e1                        |
e2         | VIEW     | 256 7   | weighted                     |
sum2       | ADD      | 256 7   | sum1 e2                      |
e3         | VIEW     | 256 7   | weighted                     |
sum3       | ADD      | 256 7   | sum2 e3                      | moe_ffn_out
out        | ADD      | 256 7   | mid sum3                     | post_ffn_residual
"""
ONE_EXPERT = """
gate       | MUL_MAT_ID | 256 1 7 | ffn_gate_exps f topk       | moe_router_indices@2 ffn_gate
up         | MUL_MAT_ID | 256 1 7 | ffn_up_exps f topk         | ffn_up
glu        | GLU      | 256 1 7 | gate up                      |
down       | MUL_MAT_ID | 256 1 7 | ffn_down_exps glu topk     | ffn_swigl@1
weighted   | MUL      | 256 1 7 | down w3                      | moe_router@1
e0         | VIEW     | 256 7   | weighted                     |
sum        | CONT     | 256 7   | e0                           | moe_ffn_out
out        | ADD      | 256 7   | sum mid                      | post_ffn_residual
"""
END = """
r_norm     | RMS_NORM | 256 7   | in                           |
r          | MUL      | 256 7   | r_norm output_norm.weight    | final_norm
head       | MUL_MAT  | 1024 7  | output.weight r              | lm_head
"""
TIED_END = END.replace("output.weight", "token_embd.weight")

GRAPHS = {
    "llama": (PROJECTIONS, DENSE),
    "qwen2": (BIASED, DENSE),
    "qwen3": (NORMED_HEADS, DENSE),
    "qwen3moe": (NORMED_HEADS, ROUTER + TWO_EXPERTS),
    "four experts": (NORMED_HEADS, ROUTER + FOUR_EXPERTS),
    "one expert": (NORMED_HEADS, ROUTER + ONE_EXPERT),
}


class Reader:
    """Feeds tables to a recogniser, layer after layer, and says what was found and what is written in them."""

    def __init__(self) -> None:
        self._recogniser = Recogniser()
        self._nodes: dict[str, int] = {}
        self.layer: int | None = 0
        self.found: list[tuple[str, list[Take]]] = []
        self.written: list[tuple[str, list[Take]]] = []

    def read(self, table: str) -> None:
        for line in filter(None, table.splitlines()):
            name, operation, extents, sources, takes = (part.strip() for part in line.split("|"))
            address = 1000 + len(self.found)
            taken = self._recogniser.recognise(
                address, operation, [self._source(s) for s in sources.split()], [*map(int, extents.split()), 1, 1]
            )
            self._nodes[name] = address
            self.found.append((name, taken))
            self.written.append((name, [self._take(take) for take in takes.split()]))

    def next_layer(self, layer: int | None) -> None:
        self._nodes = {"in": self._nodes["out" if "out" in self._nodes else "embd"]}
        self.layer = layer

    def _source(self, name: str) -> tuple[int, str]:
        if name in self._nodes:
            return self._nodes[name], f"node_{self._nodes[name]}"
        if name.startswith(("attn_", "ffn_")):
            return 1, f"blk.{self.layer}.{name}" + ("" if name.endswith(".bias") else ".weight")
        return 2, name

    def _take(self, text: str) -> Take:
        stage, _, source = text.partition("@")
        stage, _, part = stage.partition(".")
        return Take(Part(stage, self.layer, part), int(source) if source else None)


@pytest.mark.parametrize("start", [START, START_B11549], ids=["0.3.36", "b11549"])
@pytest.mark.parametrize("end", [END, TIED_END], ids=["head", "tied"])
@pytest.mark.parametrize("name", GRAPHS)
def test_stages_are_found_by_what_nodes_compute_and_read(name: str, start: str, end: str) -> None:
    projections, feed_forward = GRAPHS[name]
    reader = Reader()
    reader.read(start)
    for layer, middle in enumerate((MIDDLE, MIDDLE_OF_THE_LAST)):
        reader.next_layer(layer)
        reader.read(NORM + projections + ATTENTION + middle + FFN_NORM + feed_forward)
    reader.next_layer(None)
    reader.read(end)
    assert reader.found == reader.written
    taken = [take.part for _, takes in reader.found for take in takes]
    assert len(taken) == len(set(taken)), "no part twice"


def test_sums_of_something_else_are_no_stage() -> None:
    """A sum of weighted experts that lacks one, or of something that is not on its way there, is nothing."""
    reader = Reader()
    reader.read(START)
    reader.next_layer(0)
    reader.read("""
down       | MUL_MAT_ID | 256 3 7 | ffn_down_exps glu topk     | ffn_swigl@1
weighted   | MUL      | 256 3 7 | down w3                      | moe_router@1
again      | MUL      | 256 3 7 | weighted w3                  |
e0         | VIEW     | 256 7   | weighted                     |
e1         | VIEW     | 256 7   | weighted                     |
sum1       | ADD      | 256 7   | e0 e1                        |
beside     | ADD      | 256 7   | e0 in                        |
raw        | VIEW     | 256 7   | down                         |
sum2       | ADD      | 256 7   | e1 raw                       |
sum3       | ADD      | 256 7   | sum2 e0                      |
cont       | CONT     | 256 7   | e0                           |
""")
    assert reader.found == reader.written
