"""Writes a language model whose weights are a table: which piece of text follows which. A few hundred kB of GGUF.

The chat template, which is part of the model, turns each of `streamlab probe`'s questions into one token, and from
there every piece of the answer has exactly one successor, so a server at temperature 0 answers word for word the same
wherever it runs. No training, nothing random that is not seeded.

    python tools/real/model.py OUT.gguf
"""

from __future__ import annotations

import sys

import gguf
import numpy as np

NAME = "streamlab-table"
WIDTH, INNER, HEADS, CONTEXT = 96, 32, 4, 4096
#: A word of the question, and what is answered. The first that fits counts.
SEA = "The sea is salty because rivers wash salt out of the rocks."
CALL = '<tool_call>\n{"name": "look_up_weather", "arguments": {"place": "Oslo", "unit": "celsius"}}\n</tool_call>'
BOTH = (
    CALL + '\n<tool_call>\n{"name": "look_up_weather", "arguments": {"place": "Lima", "unit": "kelvin"}}\n</tool_call>'
)
STORY = (
    "High above the bay there stood a lighthouse, white as chalk. Its keeper, an old woman named Ada, lit the lamp "
    "every evening and wrote down each ship that passed. One winter night it went dark: a storm had broken the glass. "
    "Ada carried candles up two hundred steps, one after another, until morning came. No ship was lost, and in spring "
    "the sailors brought new glass, a bell, and a cat."
)
ANSWERS = (
    ("at once", BOTH),
    ("Call the tool", CALL),
    ("degrees", "In Oslo it has 4 degrees and light rain."),
    ("sea salty", SEA),
    ("Second line", "The first line is long enough.\nSecond line.\n\nThird line."),
    ("Repeat exactly: Yes", "Yes"),
    ("lighthouse", STORY),
    ("Count to six", "one, two, three, four, five, six"),
    ("", "I know nothing of that."),
)
#: How the conversation is written down, in the manner of Hermes 2 Pro: servers learn from it how the model calls.
_TOOLS = (
    "{%- if tools %}<|im_start|>system\nYou may call functions. They are described within <tools></tools>:\n<tools>"
    "{%- for tool in tools %}\n{{ tool | tojson }}{%- endfor %}\n</tools>\nWrite each call as JSON with its name and "
    'arguments within <tool_call></tool_call>:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}'
    "\n</tool_call><|im_end|>\n{%- endif %}"
)
_TURNS = (
    "{%- for message in messages %}"
    "{%- if message.role == 'tool' %}<|im_start|>user\n"
    "<tool_response>\n{{ message.content }}\n</tool_response><|im_end|>\n"
    "{%- elif message.tool_calls %}<|im_start|>assistant\n{{ message.content or '' }}"
    "{%- for call in message.tool_calls %}<tool_call>\n"
    '{"name": "{{ call.function.name }}", "arguments": '
    "{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}}\n"
    "</tool_call>\n{%- endfor %}<|im_end|>\n"
    "{%- else %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{%- endif %}"
    "{%- endfor %}"
)


def template() -> str:
    """Jinja that writes the conversation down and then says, in one token, which question it is."""
    asked = "".join(
        f"{{%- {'if' if at == 0 else 'elif'} {word!r} in last %}}<q{at}>"
        for at, (word, _) in enumerate(ANSWERS)
        if word
    )
    asked += f"{{%- else %}}<q{len(ANSWERS) - 1}>{{%- endif %}}"
    last = "{%- set last = (messages[-1].content or '') | string %}"
    return f"{_TOOLS}{_TURNS}{{%- if add_generation_prompt %}}<|im_start|>assistant\n{last}{asked}{{%- endif %}}"


def pieces() -> tuple[list[str], dict[int, int]]:
    """All tokens, and which follows which. Each piece of each answer is a token of its own: the shortest run of words
    that none before it is."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<q{at}>" for at in range(len(ANSWERS)))]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    follows: dict[int, int] = {}
    known = set(tokens)
    for at, (_, answer) in enumerate(ANSWERS):
        before = 3 + at
        for piece in _parted(_spelled(answer), frozenset(known)) or ():
            known.add(piece)
            follows[before] = before = len(tokens)
            tokens.append(piece)
        follows[before] = 2
    return tokens, follows


def _parted(text: str, known: frozenset[str]) -> list[str] | None:
    """A text cut into pieces that are all new, at the ends of words where that goes; None where it does not."""
    if not text:
        return []
    ends = [at for at in range(1, len(text)) if text[at] in '▁\n,."' and text[at - 1] != "▁"] + [len(text)]
    for end in dict.fromkeys((*ends, *range(1, len(text)))):
        piece = text[:end]
        if piece not in known and (rest := _parted(text[end:], known | {piece})) is not None:
            return [piece, *rest]
    return None


def _spelled(text: str) -> str:
    return text.replace(" ", "▁")


def write(path: str) -> None:
    """The model as a file."""
    tokens, follows = pieces()
    random = np.random.default_rng(7)
    codes = random.choice(np.array([-1.0, 1.0]), (len(tokens), WIDTH)).astype(np.float32)
    after = np.zeros((len(tokens), WIDTH), np.float32)
    for one, next_one in follows.items():
        after[next_one] += codes[one]
    out = gguf.GGUFWriter(path, "llama")
    out.add_name(NAME)
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(1)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_tokenizer_model("llama")
    out.add_token_list(tokens)
    out.add_token_scores([-float(at) for at in range(len(tokens))])
    out.add_token_types([_type(at, token) for at, token in enumerate(tokens)])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_bos_token(False)
    out.add_add_space_prefix(False)
    out.add_chat_template(template())
    out.add_tensor("token_embd.weight", codes)
    out.add_tensor("output.weight", after)
    out.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_norm", "ffn_norm"):
        out.add_tensor(f"blk.0.{name}.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        out.add_tensor(f"blk.0.{name}.weight", np.zeros((WIDTH, WIDTH), np.float32))
    for name, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)), ("down", (WIDTH, INNER))):
        out.add_tensor(f"blk.0.ffn_{name}.weight", np.zeros(shape, np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def _type(at: int, token: str) -> int:
    if token.startswith("<0x"):
        return int(gguf.TokenType.BYTE)
    if at == 0:
        return int(gguf.TokenType.UNKNOWN)
    return int(gguf.TokenType.CONTROL if at < 3 + len(ANSWERS) else gguf.TokenType.NORMAL)


if __name__ == "__main__":
    write(sys.argv[1])
