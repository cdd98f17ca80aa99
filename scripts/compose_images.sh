#!/usr/bin/env bash
# Print the images that docker-compose.yml needs under the profiles of .env, after getting those that are missing:
# ours are built where their sources are, others are pulled. scripts/compose_images.sh
set -euo pipefail
cd "$(dirname "$0")/.."
for image in $(docker compose config --images | sort --unique); do
    echo "$image"
    if docker image inspect "$image" > /dev/null 2>&1; then continue; fi
    name=${image##*/}
    service=${name%%:*}
    if [ -f "services/$service/Dockerfile" ]; then
        IMAGE_PREFIX=${image%/*} scripts/build_images.sh "$service" >&2
    else
        docker pull "$image" >&2
    fi
done
