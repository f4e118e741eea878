"""Where each promise is written down. A rule names one of these as its `source`."""

from __future__ import annotations

from streamlab.record import Record


class Source(Record, frozen=True):
    """A document that promises something, the place in it, and where to read it."""

    document: str
    place: str
    url: str

    @property
    def is_written(self) -> bool:
        """Whether somebody promises it in writing; else it is what was observed."""
        return bool(self.url) and self != CLIENTS

    def __str__(self) -> str:
        return f"{self.document}, {self.place}" if self.place else self.document


_OPENAPI = "https://github.com/openai/openai-openapi"
_REFERENCE = "https://platform.openai.com/docs/api-reference"

CHAT_CHUNK = Source("OpenAI OpenAPI document", "CreateChatCompletionStreamResponse", _OPENAPI)
CHAT_CHUNK_CHOICES = Source("OpenAI OpenAPI document", "CreateChatCompletionStreamResponse.choices", _OPENAPI)
CHAT_CHUNK_DELTA = Source("OpenAI OpenAPI document", "ChatCompletionStreamResponseDelta", _OPENAPI)
CHAT_CHUNK_TOOL_CALLS = Source("OpenAI OpenAPI document", "ChatCompletionMessageToolCallChunk", _OPENAPI)
CHAT_CHUNK_FINISH = Source(
    "OpenAI OpenAPI document", "CreateChatCompletionStreamResponse.choices.finish_reason", _OPENAPI
)
CHAT_CHUNK_USAGE = Source("OpenAI OpenAPI document", "ChatCompletionStreamOptions.include_usage", _OPENAPI)
USAGE = Source("OpenAI OpenAPI document", "CompletionUsage, ResponseUsage", _OPENAPI)
CHAT_CHUNK_LOGPROBS = Source("OpenAI OpenAPI document", "ChatCompletionTokenLogprob", _OPENAPI)
CHAT_STREAM = Source("OpenAI API reference", "Create chat completion, stream", f"{_REFERENCE}/chat/create")
CHAT_STREAMING = Source("OpenAI API reference", "Chat streaming", f"{_REFERENCE}/chat-streaming")
COMPLETIONS = Source("OpenAI OpenAPI document", "CreateCompletionResponse", _OPENAPI)
RESPONSES_STREAMING = Source("OpenAI API reference", "Responses streaming events", f"{_REFERENCE}/responses-streaming")
RESPONSES = Source("OpenAI OpenAPI document", "ResponseStreamEvent", _OPENAPI)
ERROR_OBJECT = Source("OpenAI OpenAPI document", "ErrorResponse, Error", _OPENAPI)
ERROR_CODES = Source("OpenAI guide", "Error codes", "https://platform.openai.com/docs/guides/error-codes")
SSE = Source(
    "WHATWG HTML standard",
    "9.2 Server-sent events",
    "https://html.spec.whatwg.org/multipage/server-sent-events.html",
)
JSON = Source(
    "RFC 8259",
    "The JavaScript Object Notation (JSON) Data Interchange Format",
    "https://www.rfc-editor.org/rfc/rfc8259",
)
UTF8 = Source("RFC 3629", "UTF-8", "https://www.rfc-editor.org/rfc/rfc3629")
AWS_FRAMES = Source(
    "AWS documentation",
    "Event stream encoding",
    "https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html",
)
HTTP = Source("RFC 9110", "HTTP Semantics", "https://www.rfc-editor.org/rfc/rfc9110")
HTTP1 = Source("RFC 9112", "HTTP/1.1, message body framing", "https://www.rfc-editor.org/rfc/rfc9112#section-6")
NGINX = Source(
    "nginx documentation",
    "proxy_buffering, X-Accel-Buffering",
    "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering",
)
NGINX_TIMEOUT = Source(
    "nginx documentation",
    "proxy_read_timeout",
    "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout",
)
#: What OpenAI writes of the form of chat and of errors: of another API the document of its own says it.
OF_CHAT = frozenset(
    {
        CHAT_CHUNK,
        CHAT_CHUNK_CHOICES,
        CHAT_CHUNK_DELTA,
        CHAT_CHUNK_TOOL_CALLS,
        CHAT_CHUNK_FINISH,
        CHAT_CHUNK_USAGE,
        CHAT_CHUNK_LOGPROBS,
        CHAT_STREAM,
        CHAT_STREAMING,
    }
)
OF_ERRORS = frozenset({ERROR_OBJECT, ERROR_CODES})
#: What is written nowhere and measured everywhere: what api.openai.com sent in thousands of recorded streams.
OBSERVED = Source("api.openai.com, observed", "2,693 streams, April 2023 to August 2026", "")
#: What the official client libraries do with a stream; read in their source and run.
CLIENTS = Source("openai-python and openai-node", "their stream parsers, read and run", "https://github.com/openai")
