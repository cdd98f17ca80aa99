#!/usr/bin/env bash
# Fail when the committed stubs are not what the protos generate.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
scripts/generate_stubs.sh "$fresh" 2>/dev/null
if ! diff -r --exclude=__pycache__ "$fresh/flawgate" services/contracts/flawgate; then
    echo "The generated stubs are not up to date with proto/: run \`make proto\` and commit." >&2
    exit 1
fi
