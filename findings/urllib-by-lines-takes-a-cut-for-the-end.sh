#!/bin/sh
# Python's urllib, read line by line, takes a stream that was cut between two HTTP chunks for one that ended.
#
# Small scripts and test tools without dependencies read event streams by `for line in urllib.request.urlopen(...)`. A
# chunked answer whose connection breaks off lacks its last chunk; `read()` and `read1()` of the same response object
# raise IncompleteRead for it, iteration and `readline()` end as at a proper end. Servers of language models write one
# event a chunk, so nearly every real cut falls between two chunks. urllib3 and requests raise for the same bytes.
#
# Tried 2026-11-30 with Python 3.11, urllib3 2.8.0:
#   urllib, by lines: 1 event, ends
#   urllib, readline(): 1 event, ends
#   urllib, read1(): 1 event, raises IncompleteRead
#   urllib, read(): 0 events, raises IncompleteRead
#   urllib3, by lines: 1 event, raises ProtocolError
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check urllib3==2.8.0
cat > "$place/ask.py" <<'PYTHON'
import socket
import threading
import time
import urllib.request

import urllib3

EVENT = b"data: one\n\n"


def serve(listening):
    while True:
        connection, _ = listening.accept()
        with connection:
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
            time.sleep(0.1)


def by_lines(response):
    yield from response


def by_readline(response):
    while line := response.readline():
        yield line


def by_read1(response):
    while piece := response.read1(65536):
        yield piece


def by_read(response):
    yield response.read()


def by_urllib3(url):
    yield from urllib3.PoolManager().request("GET", url, preload_content=False, retries=False)


listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listening,), daemon=True).start()
url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
ways = {
    "urllib, by lines": lambda: by_lines(urllib.request.urlopen(url)),
    "urllib, readline()": lambda: by_readline(urllib.request.urlopen(url)),
    "urllib, read1()": lambda: by_read1(urllib.request.urlopen(url)),
    "urllib, read()": lambda: by_read(urllib.request.urlopen(url)),
    "urllib3, by lines": lambda: by_urllib3(url),
}
for name, way in ways.items():
    got, end = b"", "ends"
    try:
        for piece in way():
            got += piece
    except Exception as error:
        end = f"raises {type(error).__name__}"
    count = got.count(EVENT)
    print(f"{name}: {count} {'event' if count == 1 else 'events'}, {end}")
PYTHON
"$python" "$place/ask.py" | tee "$place/said"
sed -n 's/^#   \(urllib.*: .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
