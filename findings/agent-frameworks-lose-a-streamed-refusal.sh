#!/bin/sh
# Haystack 3.4.1, AutoGen 0.7.5, Semantic Kernel 1.45.0, smolagents 1.26.0 and Agno 3.1.10: a streamed refusal is empty.
#
# A model that refuses under structured outputs says so in `refusal` of the deltas, `content` stays null, and the choice
# ends with "stop". All five read `content` and `tool_calls` of a delta and nothing else: what their users get is an
# answer without a word that ended well. openai-python, which all of them stand on, has the sentence. Whoever sees an
# empty answer blames the server or a gateway; the words are on the wire.
#
# Tried 2026-11-29 with Python 3.11 and openai 3.57.0:
#   openai-python: "I cannot help with that."
#   haystack: no text, finish_reason "stop"
#   autogen: no text, finish_reason "stop"
#   semantic-kernel: no text, finish_reason "stop"
#   smolagents: no text
#   agno: no text
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check openai==3.57.0 haystack-ai==3.4.1 \
    'autogen-ext[openai]==0.7.5' semantic-kernel==1.45.0 'smolagents[openai]==1.26.0' agno==3.1.10
cat > "$place/ask.py" <<'PYTHON'
import asyncio
import http.server
import json
import os
import sys
import threading

os.environ.update(HAYSTACK_TELEMETRY_ENABLED="False", AGNO_TELEMETRY="false")
WORDS = "I cannot help with that."
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795000000, "model": "gpt-4o"}
DELTAS = (
    {"role": "assistant", "content": None, "refusal": ""}, {"refusal": "I cannot "}, {"refusal": "help with that."}, {},
)


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta in DELTAS:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "stop"}
            self.wfile.write(f"data: {json.dumps({**HEAD, 'choices': [choice]})}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"


def plain():
    import openai

    asked = [{"role": "user", "content": "How?"}]
    client = openai.OpenAI(api_key="x", base_url=base)
    with client.chat.completions.stream(model="gpt-4o", messages=asked) as stream:
        return stream.get_final_completion().choices[0].message.refusal


def haystack():
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    chat = OpenAIChatGenerator(
        Secret.from_token("x"), "gpt-4o", api_base_url=base, streaming_callback=lambda chunk: None
    )
    return chat.run([ChatMessage.from_user("How?")])["replies"][0].to_dict()


def autogen():
    from autogen_core.models import UserMessage
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    async def ask():
        chat = OpenAIChatCompletionClient(model="gpt-4o", base_url=base, api_key="x")
        return [part async for part in chat.create_stream([UserMessage(content="How?", source="user")])]

    return asyncio.run(ask())[-1].model_dump()


def semantic_kernel():
    import openai
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
    from semantic_kernel.contents import ChatHistory

    async def ask():
        client = openai.AsyncOpenAI(api_key="x", base_url=base)
        chat = OpenAIChatCompletion(ai_model_id="gpt-4o", async_client=client)
        history = ChatHistory()
        history.add_user_message("How?")
        whole = None
        async for parts in chat.get_streaming_chat_message_contents(history, OpenAIChatPromptExecutionSettings()):
            for part in parts:
                whole = part if whole is None else whole + part
        return whole.to_dict(), [str(item) for item in whole.items], str(whole.finish_reason)

    return asyncio.run(ask())


def smolagents():
    from smolagents import OpenAIModel
    from smolagents.models import agglomerate_stream_deltas

    chat = OpenAIModel("gpt-4o", api_base=base, api_key="x")
    asked = [{"role": "user", "content": [{"type": "text", "text": "How?"}]}]
    message = agglomerate_stream_deltas(list(chat.generate_stream(asked)))
    return message.content, message.tool_calls


def agno():
    from agno.models.message import Message
    from agno.models.openai import OpenAIChat

    chat = OpenAIChat(id="gpt-4o", base_url=base, api_key="x")
    parts = chat.invoke_stream([Message(role="user", content="How?")], Message(role="assistant"))
    return [(part.content, part.reasoning_content, part.tool_calls) for part in parts]


said = plain()
print("openai-python:", said)
lost = []
for ask in (haystack, autogen, semantic_kernel, smolagents, agno):
    held = repr(ask())
    print(f"{ask.__name__}: {held}")
    lost.append("cannot" not in held and "help" not in held)
sys.exit(0 if said == WORDS and all(lost) else 1)
PYTHON
"$python" "$place/ask.py"
