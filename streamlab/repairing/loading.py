"""Loads what repairing takes before the first stream comes: while one loads it, all others wait."""

from __future__ import annotations

from streamlab.apis import APIS
from streamlab.repairing.normalizer import Normalizer

_CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{%b},"finish_reason":%b}]}\n\n'
)
_TEXTS = (b"Much", b" of", b" what", b" is", b" loaded", b" is", b" loaded", b" late")
#: A stream of the API that nearly everybody speaks: its role, so much text that its events pass unseen, its end.
_STREAM = (
    _CHUNK % (b'"role":"assistant","content":""', b"null"),
    *(_CHUNK % (b'"content":"%b"' % text, b"null") for text in _TEXTS),
    _CHUNK % (b"", b'"stop"'),
    b"data: [DONE]\n\n",
)


def load_repairs(*, unsafe: bool = False) -> None:
    """Have every repair of every API at hand, and what is made when it is first asked for made."""
    for api in APIS:
        if api.judged:
            Normalizer(unsafe=unsafe, api=api).finish()
            api.stamps({})  # a stream that goes as one before it is followed from its first event
    normalizer = Normalizer(unsafe=unsafe)
    for event in _STREAM:
        normalizer.feed(event)
    normalizer.finish()
