"""What is mended by no repair but by how the normalizer works."""

from __future__ import annotations

#: Rules whose deviation is repaired by no repair but by how the normalizer works; how, in a phrase.
ENGINE_RULES = {
    "anti-buffering-headers-missing": "the mended head has one of the headers",
    "charset-not-utf8": "the mended head says UTF-8",
    "close-delimited-truncation": "the mended body is sent in HTTP chunks",
    "connection-held-open-after-done": "the mended body ends with the answer",
    "content-coding-unfinished": "the body is sent without content coding",
    "content-length-mismatch": "the mended head has no length, the body is sent in HTTP chunks",
    "content-type-not-event-stream": "the mended head says text/event-stream",
    "encoding-mislabelled": "a body that is plainly not in the coding its header names is read as it is, one that is "
    "compressed without a word is decompressed",
    "gzip-on-sse": "the body is sent without content coding, each event as soon as it is certain",
    "gzip-several-members": "the body is sent without content coding",
    "http-error-body-shape": "the text of the answer becomes the message of an error object; the status stays",
    "http-status-200-on-error": "the JSON object becomes an error event",
    "nonstream-json-for-stream": "the completion is sent as the chunks it would have been",
    "utf8-split-over-reads": "only whole events are sent",
}

#: Those of them that are about how a body is sent, and change none of its bytes: mended where it is sent on.
MENDED_IN_SENDING = frozenset(
    {
        "anti-buffering-headers-missing",
        "charset-not-utf8",
        "close-delimited-truncation",
        "connection-held-open-after-done",
        "content-length-mismatch",
        "content-type-not-event-stream",
        "utf8-split-over-reads",
    }
)
