"""AWS's binary event stream, as Bedrock sends it, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.exchange import ResponseHead
from streamlab.rules.api import Api
from streamlab.wire.binary_frames import is_framed, is_labelled
from streamlab.wire.payload import JsonObject

_CONVERSE = ("contentBlockIndex", "stopReason", "metrics")


class AwsEventStream(Api):
    """``application/vnd.amazon.eventstream``: binary messages, each with its lengths and their checksum in front.

    What lies in them is told apart: events of a model's own API are judged as such, those of Converse are not judged.
    """

    name = "aws.event-stream"
    title = "AWS event stream"
    vendor = "AWS"

    def owns_path(self, path: str) -> bool:
        return path.endswith("/converse-stream")

    def recognises_head(self, head: ResponseHead) -> bool:
        return is_labelled(head.header("content-type"))

    def recognises_bytes(self, start: bytes) -> bool:
        return is_framed(start)

    def recognises(self, value: JsonObject) -> bool:
        """An event of Converse, once it is out of its frame; those of a model's own API are that API's."""
        return any(key in value for key in _CONVERSE) and "type" not in value and "choices" not in value


API = AwsEventStream()
