"""AWS's binary event stream, as Bedrock sends it, as the rest of the house may know it."""

from __future__ import annotations

import zlib

from streamlab.exchange import ResponseHead
from streamlab.rules.api import Api

_PRELUDE, _CRC = 8, 12
_LARGEST = 16 * 1024 * 1024


class AwsEventStream(Api):
    """``application/vnd.amazon.eventstream``: binary messages, each with its lengths and their checksum in front."""

    name = "aws.event-stream"
    title = "AWS event stream"
    vendor = "AWS"

    def owns_path(self, path: str) -> bool:
        return path.endswith(("/converse-stream", "/invoke-with-response-stream"))

    def recognises_head(self, head: ResponseHead) -> bool:
        return (head.header("content-type") or "").strip().lower().startswith("application/vnd.amazon.eventstream")

    def recognises_bytes(self, start: bytes) -> bool:
        """By the prelude: two lengths, and the CRC-32 of both."""
        if len(start) < _CRC:
            return False
        total = int.from_bytes(start[:4])
        checksum = int.from_bytes(start[_PRELUDE:_CRC])
        return _CRC < total <= _LARGEST and zlib.crc32(start[:_PRELUDE]) == checksum


API = AwsEventStream()
