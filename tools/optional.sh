#!/bin/sh
# What some tests need and `make test` does without: Dask, an S3 server, the npm client and a Chromium. Usage: tools/optional.sh VENV
# Installs Dask, moto and s3fs into VENV, leaves node_modules in VENV/node, and the path of the Chromium in VENV/chromium.
set -eu
venv=$1
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "dask>=2025.1" "distributed>=2025.1" \
    "moto[s3,server]>=5" "s3fs>=2024.10"
[ -d "$venv/node/node_modules/openai" ] || npm install --silent --no-fund --no-audit --prefix "$venv/node" openai
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" > "$venv/chromium"; then exit 0; fi
done
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check playwright
"$venv/bin/python" -m playwright install --with-deps chromium
"$venv/bin/python" - > "$venv/chromium" <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
PYTHON
