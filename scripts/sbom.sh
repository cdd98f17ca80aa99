#!/usr/bin/env bash
# Write what an image holds of Python's packages, with licences and versions, as CycloneDX: scripts/sbom.sh IMAGE [FILE]
# FILE is out/sbom/SERVICE.cdx.json where it is not named. The tool is pinned; once uv has it in its cache, no network is
# needed (UV_OFFLINE=1). Debian's packages are read from the image itself by scanners (/var/lib/dpkg).
set -euo pipefail
cd "$(dirname "$0")/.."
image=${1:?name an image, e.g. flawgate/gateway:0.1.0}
service=${image##*/}
output=${2:-out/sbom/${service%%:*}.cdx.json}
uv=$(command -v uv || echo .tools/uv/bin/uv)
work=$(mktemp -d)
container=""
trap 'rm -rf "$work"; if [ -n "$container" ]; then docker rm "$container" >/dev/null; fi' EXIT
mkdir -p "$(dirname "$output")"
container=$(docker create "$image")
docker cp "$container:/opt/flawgate/lib" "$work/lib"
# The packages, in an environment whose Python runs here.
"$uv" venv --quiet --python 3.11 "$work/environment"
packages=("$work"/lib/python3.*/site-packages)
mkdir -p "$work/environment/lib/$(basename "$(dirname "${packages[0]}")")"
rm -rf "$work/environment/lib/$(basename "$(dirname "${packages[0]}")")/site-packages"
mv "${packages[0]}" "$work/environment/lib/$(basename "$(dirname "${packages[0]}")")/site-packages"
"$uv" tool run --from 'cyclonedx-bom==7.4.0' cyclonedx-py environment \
    --output-reproducible --output-format JSON --spec-version 1.6 --output-file "$output" "$work/environment"
echo "$output: $(grep -c '"purl"' "$output") packages"
