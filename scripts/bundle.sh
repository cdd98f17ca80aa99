#!/usr/bin/env bash
# Put all that a machine without a network needs into a folder: images, models, configuration, checksums. scripts/bundle.sh [FOLDER]
# FOLDER is dist/flawgate-VERSION-bundle where it is not named. The profiles are those of .env, or of COMPOSE_PROFILES. No secrets go
# along: each machine makes its own.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^FLAWGATE_VERSION=//p' .env)
profiles=${COMPOSE_PROFILES:-$(sed -n 's/^COMPOSE_PROFILES=//p' .env)}
models=${FLAWGATE_MODELS:-$(sed -n 's/^FLAWGATE_MODELS=//p' .env)}
folder=${1:-dist/flawgate-$version-bundle}
if [ -e "$folder" ] && [ ! -f "$folder/load.sh" ] && [ -n "$(ls -A "$folder")" ]; then
    echo "$folder is no bundle, and would be replaced by one: name another folder." >&2
    exit 1
fi
scripts/compose_wheels.sh
rm -rf "$folder"
mkdir -p "$folder/images"
cp scripts/load.sh "$folder/load.sh"

# Where each goes to is where docker-compose.yml looks for it.
parts=(LICENSE docker-compose.yml compose docs/compose.md monitoring/prometheus.yml monitoring/rules
    monitoring/grafana/provisioning monitoring/grafana/dashboards scripts/compose_{secrets,wheels,images,up,backup,restore}.sh)
if compgen -G "dist/wheels/*.whl" > /dev/null; then parts+=(dist/wheels); fi
tar --create --exclude=compose/secrets "${parts[@]}" | tar --extract --directory "$folder"
mkdir "$folder/model_repository"
tar --create --directory "$models" --exclude=.flawgate.lock . | tar --extract --directory "$folder/model_repository"
sed -e "s/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES=$profiles/" -e 's|^FLAWGATE_MODELS=.*|FLAWGATE_MODELS=./model_repository|' \
    .env > "$folder/.env"

for image in $(scripts/compose_images.sh); do
    docker save "$image" | gzip -1 > "$folder/images/$(tr '/:' '__' <<< "$image").tar.gz"
done
(cd "$folder" && find . -not -type d -not -path ./SHA256SUMS -print0 | sort --zero-terminated | xargs -0 sha256sum > SHA256SUMS)
du --summarize --human-readable "$folder"
echo "Compare on the other machine, for it vouches for all the rest: sha256sum SHA256SUMS"
sha256sum "$folder/SHA256SUMS"
