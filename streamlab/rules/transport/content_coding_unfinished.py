"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import ANY_STATUS, Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import HTTP
from streamlab.rules.whole import Whole


class ContentCodingUnfinished(Rule):
    """The compressed body has no end, though the HTTP message is complete: the compressor was flushed and never closed.

    gzip and deflate end with a check sum, brotli and zstd with a last block. Where that is missing, more may have been
    meant to come.

    ## What OpenAI does
    Sends streams uncompressed to the clients that were recorded.

    ## Why it matters
    Whether anybody notices depends on what the client runs on. openai-node 7.59 reads a whole answer of the Responses
    API and then raises on Bun 1.4.5 (``ZlibError``) and Deno 2.9.6 (``unexpected end of file``), where the request
    looks failed and is sent again; so does what stands on Rust's reqwest. Node 24 raises for zstd alone. httpx,
    requests, urllib3 and curl say nothing, of half an answer either (httpx raises for zstd). Behind ``[DONE]`` the
    SDKs read no further, so it is a warning there.

    ## Repair
    The stream is sent on uncompressed. An answer that was cut as well has findings of its own.
    """

    name = "content-coding-unfinished"
    needs_framing = True
    severity = Severity.ERROR
    source = HTTP
    repairability = Repairability.SAFE
    apis = Scope.EVERY
    statuses = ANY_STATUS
    ends_after = Whole.CODED
    variants = ("gzip or br", "deflate", "zstd")

    def end(self, ending: Ending) -> Findings:
        received = self.ctx.received
        given = self.ctx.head.header("content-encoding") if self.ctx.head is not None else None
        coding = (given or "").strip()
        if not (coding and ending is Ending.COMPLETE and received.body_bytes and received.coding_fault is None):
            return
        if not received.decoded_bytes and "br" in coding.lower():
            return  # brotli has no magic number: it may be anything
        if not received.coding_ended:
            yield self.found(
                f"the body of {received.body_bytes} bytes of {coding[:20]} has no end",
                path="content-encoding",
                expected=f"{coding[:20]} that is closed behind the last event, or no Content-Encoding",
                actual=given,
                variant=_VARIANTS.get(coding.lower()),
                severity=Severity.WARNING if self.ctx.seen.done_at is not None else None,
            )


_VARIANTS = {"gzip": "gzip or br", "x-gzip": "gzip or br", "br": "gzip or br", "deflate": "deflate", "zstd": "zstd"}
