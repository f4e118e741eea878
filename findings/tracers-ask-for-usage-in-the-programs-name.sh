#!/bin/sh
# posthog 7.91.1, ddtrace 4.16.0: tracing changes the request on the wire, and with posthog the answer that a program gets.
#
# `stream_options: {"include_usage": true}` brings one more chunk, whose `choices` is empty, so a program that did not ask
# for it may read `chunk.choices[0]` of every chunk. PostHog's OpenAI for Python, a drop-in, asks in its name, even where
# it said `false`, and hands that chunk on: the loop raises IndexError behind an answer that came whole, from the day that
# tracing was switched on. ddtrace asks as well and takes the chunk out again, save behind `with_streaming_response`. A
# server that refuses the option refuses the traced program alone. Who reads a recording looks in the program for an
# option that it never wrote. Seven others (Langfuse, LangSmith, OpenInference, OpenLLMetry, logfire, Sentry, Braintrust)
# ask for nothing, and so does PostHog's library for Node.
#
# Tried 2026-11-30 with Python 3.11, openai 3.57.0, posthog 7.91.1, ddtrace 4.16.0, braintrust 0.48.1, langfuse 5.0.4,
# langsmith 0.15.1, logfire 5.4.0, sentry-sdk 2.75.0, openinference-instrumentation-openai 0.1.66 and
# opentelemetry-instrumentation-openai 0.62.4. The program writes no option, then false:
#   none: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   posthog: sent true, read 'one two' IndexError; false: sent true, read 'one two' IndexError; streaming response: read 'one two'
#   ddtrace: sent true, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two' IndexError
#   langfuse: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   langsmith: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   openinference: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   openllmetry: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   logfire: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   sentry: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#   braintrust: sent nothing, read 'one two'; false: sent false, read 'one two'; streaming response: read 'one two'
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for group in one two; do "${PYTHON:-python3}" -m venv "$place/$group"; done
"$place/one/bin/python" -m pip install --quiet --disable-pip-version-check openai==3.57.0 ddtrace==4.16.0 \
    braintrust==0.48.1
"$place/two/bin/python" -m pip install --quiet --disable-pip-version-check openai==3.57.0 posthog==7.91.1 \
    langfuse==5.0.4 langsmith==0.15.1 logfire==5.4.0 sentry-sdk==2.75.0 \
    openinference-instrumentation-openai==0.1.66 opentelemetry-instrumentation-openai==0.62.4
cat > "$place/traced.py" <<'PYTHON'
"""`traced.py TRACER`: each in a process of its own, since they patch the SDK."""

import http.server
import json
import os
import sys
import threading

import openai

SAID = {"id": "c", "object": "chat.completion.chunk", "created": 1795000000, "model": "gpt-4o"}
DELTAS = (({"role": "assistant", "content": "one "}, None), ({"content": "two"}, None), ({}, "stop"))
CHOICES = [[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}] for delta, finish in DELTAS]
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
asked = {}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global asked
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        usage = (asked.get("stream_options") or {}).get("include_usage")
        chunks = [{**SAID, "choices": choices, **({"usage": None} if usage else {})} for choices in CHOICES]
        chunks += [{**SAID, "choices": [], "usage": USAGE}] if usage else []
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


def none(**options):
    return openai.OpenAI(**options)


def posthog(**options):
    import posthog
    from posthog.ai.openai import OpenAI

    class Quiet(posthog.Posthog):
        def capture(self, *_, **__):
            pass

    return OpenAI(posthog_client=Quiet("none", host="http://127.0.0.1:9", sync_mode=True), **options)


def ddtrace(**options):
    os.environ.update(DD_INSTRUMENTATION_TELEMETRY_ENABLED="false", DD_TRACE_AGENT_URL="http://127.0.0.1:9")
    import ddtrace

    ddtrace.patch(openai=True)
    return openai.OpenAI(**options)


def langfuse(**options):
    os.environ.update(LANGFUSE_PUBLIC_KEY="none", LANGFUSE_SECRET_KEY="none", LANGFUSE_HOST="http://127.0.0.1:9")
    from langfuse.openai import OpenAI

    return OpenAI(**options)


def langsmith(**options):
    os.environ["LANGSMITH_TRACING"] = "true"
    from langsmith import Client
    from langsmith.wrappers import wrap_openai

    class Quiet(Client):
        def create_run(self, *_, **__):
            pass

        update_run = create_run

    quiet = Quiet(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False)
    return wrap_openai(openai.OpenAI(**options), tracing_extra={"client": quiet})


def openinference(**options):
    from openinference.instrumentation.openai import OpenAIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    OpenAIInstrumentor().instrument(tracer_provider=TracerProvider())
    return openai.OpenAI(**options)


def openllmetry(**options):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    OpenAIInstrumentor().instrument(tracer_provider=TracerProvider())
    return openai.OpenAI(**options)


def logfire(**options):
    import logfire

    logfire.configure(send_to_logfire=False, console=False)
    logfire.instrument_openai()
    return openai.OpenAI(**options)


def sentry(**options):
    import sentry_sdk
    from sentry_sdk.integrations.openai import OpenAIIntegration

    sentry_sdk.init(dsn="http://none@127.0.0.1:9/1", traces_sample_rate=1.0, integrations=[OpenAIIntegration()])
    return openai.OpenAI(**options)


def braintrust(**options):
    from braintrust import wrap_openai

    return wrap_openai(openai.OpenAI(**options))


def read(chunks):
    """The plainest loop there is."""
    text = ""
    try:
        for chunk in chunks:
            text += chunk.choices[0].delta.content or ""
    except IndexError as error:
        return f"read {text!r} {type(error).__name__}"
    return f"read {text!r}"


def sent():
    options = asked.get("stream_options")
    return "sent " + ("nothing" if options is None else json.dumps(options["include_usage"]))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
client = globals()[sys.argv[1]](api_key="none", base_url=base, max_retries=0)
words = {"model": "gpt-4o", "messages": [{"role": "user", "content": "count"}], "stream": True}
plain = read(client.chat.completions.create(**words))
line = f"{sys.argv[1]}: {sent()}, {plain}"
told = read(client.chat.completions.create(**words, stream_options={"include_usage": False}))
line += f"; false: {sent()}, {told}"
with client.chat.completions.with_streaming_response.create(**words) as response:
    print(f"{line}; streaming response: {read(response.parse())}", flush=True)
os._exit(0)
PYTHON
for tracer in none posthog ddtrace langfuse langsmith openinference openllmetry logfire sentry braintrust; do
    case $tracer in ddtrace | braintrust) group=one ;; *) group=two ;; esac
    "$place/$group/bin/python" -W ignore "$place/traced.py" "$tracer" 2>> "$place/errors" || cat "$place/errors"
done | tee "$place/said"
sed -n 's/^#   \(.*: sent .*\)$/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
