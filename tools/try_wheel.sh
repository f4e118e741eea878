#!/bin/sh
# The wheel in dist/ alone, in an environment of its own and an empty folder: doctor and demo. Usage: try_wheel.sh PYTHON
set -eu
wheel=$(pwd)/$(ls dist/*.whl)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$1" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
mkdir "$place/empty"
cd "$place/empty"
"$place/venv/bin/streamlab" doctor --db demo.db
"$place/venv/bin/streamlab" demo --db demo.db --fixtures fixtures
"$place/venv/bin/streamlab" ls --db demo.db --limit 3
