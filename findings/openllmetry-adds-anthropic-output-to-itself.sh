#!/bin/sh
# opentelemetry-instrumentation-anthropic 0.62.4 (OpenLLMetry): of a streamed answer more tokens are counted than came.
#
# Anthropic says the output tokens twice: in `message_start` those of the first instant, in `message_delta` all of them;
# the counts there are cumulative, as its documentation has it. OpenLLMetry adds the second to the first. The whole answer
# has the right number, so a service that goes over to streaming uses more by its dashboard for the same words. The
# surplus is what `message_start` says: 0 to 625 tokens in 4,057 recorded streams, 116 of which say all of them there and
# so count double; behind gateways that say 0 the same trace is right. The SDK's own message, logfire, OpenInference,
# Sentry and PostHog have the figure of the wire.
#
# Tried 2026-11-30 with Python 3.11, opentelemetry-instrumentation-anthropic 0.62.4, anthropic 2.14.0,
# openinference-instrumentation-anthropic 3.1.0, logfire 5.4.0, sentry-sdk 2.75.0, posthog 7.91.1; on the wire 3 output
# tokens at the start and 20 in all:
#   anthropic: 10 in, 20 out
#   openllmetry, whole: 10 in, 20 out
#   openllmetry, create(stream=True): 10 in, 23 out
#   openllmetry, stream(): 10 in, 23 out
#   openinference, create(stream=True): 10 in, 20 out
#   logfire, create(stream=True): 10 in, 20 out
#   sentry, create(stream=True): 10 in, 20 out
#   posthog, create(stream=True): 10 in, 20 out
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check anthropic==2.14.0 \
    opentelemetry-instrumentation-anthropic==0.62.4 openinference-instrumentation-anthropic==3.1.0 logfire==5.4.0 \
    sentry-sdk==2.75.0 posthog==7.91.1
cat > "$place/traced.py" <<'PYTHON'
"""`traced.py TRACER`: what the tracer says of the usage; each in a process of its own, since they patch the SDK."""

import http.server
import json
import sys
import threading

import anthropic

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-1", "content": [],
           "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 3}}
END = {"stop_reason": "end_turn", "stop_sequence": None}
EVENTS = [
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one two three"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": END, "usage": {"output_tokens": 20}},
    {"type": "message_stop"},
]
WHOLE = {**MESSAGE, **END, "content": [{"type": "text", "text": "one two three"}],
         "usage": {"input_tokens": 10, "output_tokens": 20}}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        streamed = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        events = (f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in EVENTS)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
        self.end_headers()
        self.wfile.write(("".join(events) if streamed else json.dumps(WHOLE)).encode())

    def log_message(self, *_):
        pass


def exporter():
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    return InMemorySpanExporter()


def processor(out):
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    return SimpleSpanProcessor(out)


def instrumented(instrumentor):
    from opentelemetry.sdk.trace import TracerProvider

    out, provider = exporter(), TracerProvider()
    provider.add_span_processor(processor(out))
    instrumentor().instrument(tracer_provider=provider)
    return lambda: out.get_finished_spans()[-1].attributes


def logfire():
    import logfire

    out = exporter()
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[processor(out)])
    logfire.instrument_anthropic()
    return lambda: out.get_finished_spans()[-1].attributes


def sentry():
    import sentry_sdk
    from sentry_sdk.integrations.anthropic import AnthropicIntegration

    got = []
    sentry_sdk.init(dsn="http://none@127.0.0.1:9/1", traces_sample_rate=1.0, integrations=[AnthropicIntegration()],
                    before_send_transaction=lambda event, hint: got.append(event))
    transaction = sentry_sdk.start_transaction(name="t")
    transaction.__enter__()

    def said():
        transaction.__exit__(None, None, None)
        return next(span["data"] for span in got[0]["spans"] if "gen_ai.usage.output_tokens" in span["data"])

    return said


def posthog():
    global Client
    import posthog
    import posthog.ai.anthropic

    got = []

    class Client(posthog.ai.anthropic.Anthropic):
        def __init__(self, **options):
            super().__init__(posthog_client=Kept("none", host="http://127.0.0.1:9", sync_mode=True), **options)

    class Kept(posthog.Posthog):
        def capture(self, *_, **more):
            got.append(more["properties"])

    return lambda: got[-1]


def openllmetry():
    from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

    return instrumented(AnthropicInstrumentor)


def openinference():
    from openinference.instrumentation.anthropic import AnthropicInstrumentor

    return instrumented(AnthropicInstrumentor)


NAMES = (("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), ("llm.token_count.prompt", "llm.token_count.completion"),
         ("$ai_input_tokens", "$ai_output_tokens"))
Client = anthropic.Anthropic
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
tracer = sys.argv[1]
said = globals()[tracer]() if tracer != "anthropic" else None
client = Client(api_key="none", base_url=f"http://127.0.0.1:{server.server_port}", max_retries=0)
asked = {"model": "claude-opus-4-1", "max_tokens": 50, "messages": [{"role": "user", "content": "count"}]}


def tell(who):
    attributes = said()
    took, gave = next(pair for pair in NAMES if pair[1] in attributes)
    print(f"{who}: {attributes[took]} in, {attributes[gave]} out", flush=True)


if said is None:
    with client.messages.stream(**asked) as stream:
        usage = stream.get_final_message().usage
    print(f"anthropic: {usage.input_tokens} in, {usage.output_tokens} out")
    sys.exit()
if tracer == "openllmetry":
    client.messages.create(**asked)
    tell(f"{tracer}, whole")
list(client.messages.create(**asked, stream=True))
tell(f"{tracer}, create(stream=True)")
if tracer == "openllmetry":
    with client.messages.stream(**asked) as stream:
        list(stream)
    tell(f"{tracer}, stream()")
PYTHON
for tracer in anthropic openllmetry openinference logfire sentry posthog; do
    "$place/venv/bin/python" -W ignore "$place/traced.py" "$tracer" 2>> "$place/errors" || cat "$place/errors"
done | tee "$place/said"
sed -n 's/^#   \(.* out\)$/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
