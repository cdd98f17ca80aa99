#!/usr/bin/env bash
# Generate Python stubs and their types from the protos into a folder: scripts/generate_stubs.sh OUT
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
bin="$PWD/.venv/bin"
mkdir -p "$out"
find proto -name '*.proto' -print0 | sort -z | PATH="$bin:$PATH" xargs -0 "$bin/python" -m grpc_tools.protoc -I proto \
    --python_out="$out" --grpc_python_out="$out" --mypy_out="$out" --mypy_grpc_out="$out"
# A proto without a service has no gRPC stub worth keeping.
grep -L '^service ' $(find proto -name '*.proto') | while read -r proto; do
    stem=${proto#proto/}
    rm -f "$out/${stem%.proto}_pb2_grpc.py" "$out/${stem%.proto}_pb2_grpc.pyi"
done
