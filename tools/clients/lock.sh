#!/usr/bin/env bash
# Locks the clients' environments anew, at the newest versions that streamlab/clients/locks allows: needs uv and npm.
#   tools/clients/lock.sh              all
#   tools/clients/lock.sh NAME...      only these
set -euo pipefail
cd "$(dirname "$0")/../../streamlab/clients/locks"
ONLY=("$@")

wanted() {
    [ ${#ONLY[@]} -eq 0 ] && return
    local one
    for one in "${ONLY[@]}"; do [ "$one" = "$1" ] && return; done
    return 1
}

for list in python/*.in; do
    name=$(basename "$list" .in)
    wanted "$name" || continue
    uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate "$list" \
        --output-file "python/$name.txt"
    echo "python: $name"
done

# `-v4` and the like are held at old versions on purpose.
for project in node/*/package.json; do
    name=$(basename "$(dirname "$project")")
    wanted "$name" || continue
    case "$name" in *-v[0-9]*) newest=() ;; *) mapfile -t newest < <(node -p \
        "Object.keys(require('./$project').dependencies).map((one) => one + '@latest').join('\n')") ;; esac
    (cd "node/$name" && npm install --silent --save-exact --package-lock-only --no-audit --no-fund --ignore-scripts \
        "${newest[@]}")
    echo "node: $name"
done
