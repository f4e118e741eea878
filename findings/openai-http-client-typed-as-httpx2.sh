#!/bin/sh
# openai-python 3.57.0: `http_client=httpx.Client(...)` works at run time and is a type error.
#
# Since the SDK stands on httpx2, its constructor is annotated for httpx2's clients alone, while it still takes a client
# of httpx when it runs. Whoever records or tests streams by handing the SDK a transport of their own (a cassette, a
# proxy, a pinned CA) sees it work, and mypy reject it; httpx itself is no longer installed with the SDK either, so the
# same program fails on import in a fresh environment.
#
# Tried 2026-11-28 with Python 3.11, openai 3.57.0, httpx2 2.16.2, httpx 0.28.1, mypy 2.4.1:
#   without httpx named: ModuleNotFoundError
#   at run time: taken
#   by type: incompatible type "httpx._client.Client"; expected "httpx2._client.Client | None"
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
python="$place/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check openai==3.57.0 httpx2==2.16.2
if "$python" -c "import httpx" 2> "$place/import"; then echo "without httpx named: it is there"; exit 1; fi
grep -q ModuleNotFoundError "$place/import" && echo "without httpx named: ModuleNotFoundError"
"$python" -m pip install --quiet --disable-pip-version-check httpx==0.28.1 mypy==2.4.1
cat > "$place/client.py" <<'PYTHON'
import httpx
import openai

client = openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", http_client=httpx.Client())
print("at run time: taken")
PYTHON
"$python" -W error "$place/client.py"
cd "$place"
if "$python" -m mypy client.py > said; then echo "by type: taken"; exit 1; fi
reason='incompatible type "httpx._client.Client"; expected "httpx2._client.Client | None"'
grep -qF "$reason" said || { cat said; exit 1; }
echo "by type: $reason"
