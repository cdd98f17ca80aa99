#!/usr/bin/env bash
# Where the profile gpu is chosen, make the wheels that build plans in NVIDIA's image, unless they are there: for its Python, 3.12,
# with all that they need, so that it needs no network. scripts/compose_wheels.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${FLAWGATE_WHEELS:-$(sed -n 's/^FLAWGATE_WHEELS=//p' .env)}
if ! docker compose config --services | grep --quiet --line-regexp plans; then exit; fi
if compgen -G "$folder/flawgate_plans-*.whl" > /dev/null; then exit; fi
uv=$(command -v uv || echo .tools/uv/bin/uv)
if [ ! -d services/plans ] || [ ! -x "$uv" ]; then
    echo "There are no wheels in $folder: make them in a clone, after \`make setup\`, and copy that folder here." >&2
    exit 1
fi
part=$folder.part
rm -rf "$part"
mkdir -p "$part"
"$uv" export --quiet --frozen --no-emit-workspace --no-hashes --package flawgate-cli --package flawgate-plans |
    "$uv" pip compile --quiet --no-deps --no-annotate --no-header --python-version 3.12 - --output-file "$part/requirements.txt"
"$uv" tool run pip download --quiet --no-deps --dest "$part" --python-version 3.12 --only-binary=:all: \
    --requirement "$part/requirements.txt"
for member in contracts imaging client cli plans; do "$uv" build --quiet --wheel --out-dir "$part" "services/$member"; done
rm -rf "$folder"
mv "$part" "$folder"
