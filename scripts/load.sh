#!/usr/bin/env bash
# Check a bundle, of `make bundle`, and load its images into this machine's Docker: ./load.sh [FOLDER]
# FOLDER is where this script lies. Nothing is loaded where a file is missing or damaged; no network is needed.
set -euo pipefail
cd "${1:-$(dirname "$0")}"
if ! sha256sum --check --quiet --strict SHA256SUMS; then
    echo "The bundle is not whole: copy it here once more." >&2
    exit 1
fi
# What nobody vouches for: Compose would take an override by its name, and Docker another image under the name of one of these.
others=$(comm -13 <(cut --characters=67- SHA256SUMS | sort) <(find . -not -type d -not -path ./SHA256SUMS | sort))
if [ -n "$others" ]; then
    printf 'In the bundle lies what is not of it; take it out, and put it back once all is loaded:\n%s\n' "$others" >&2
    exit 1
fi
for archive in images/*.tar.gz; do docker load --quiet --input "$archive"; done
echo "Now: $(pwd)/scripts/compose_up.sh"
