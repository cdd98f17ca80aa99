#!/usr/bin/env bash
# Put uv into .tools/ of this clone, without touching the system's Python (which often refuses `pip install`).
set -euo pipefail
cd "$(dirname "$0")/.."
version="0.13.8"
target=".tools/uv"
if [ -x "$target/bin/uv" ]; then exit 0; fi
if ! command -v python3 >/dev/null; then
    echo "flawgate: python3 is missing; install Python 3.11 or 3.12 first." >&2
    exit 1
fi
mkdir -p .tools
# pip's --target works where the system's Python refuses to be changed; a venv brings pip where there is none.
if ! python3 -m pip install --quiet --target "$target" "uv==$version" 2>.tools/pip.log; then
    if ! { python3 -m venv .tools/venv && .tools/venv/bin/pip install --quiet --target "$target" "uv==$version"; } 2>>.tools/pip.log; then
        cat .tools/pip.log >&2
        echo "flawgate: uv could not be installed; install it by hand (docs.astral.sh/uv) and run make again." >&2
        exit 1
    fi
fi
