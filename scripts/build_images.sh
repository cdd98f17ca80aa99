#!/usr/bin/env bash
# Build the images, one after the other: scripts/build_images.sh [SERVICE ...]; all of them without a name.
# They are tagged flawgate/SERVICE:VERSION. From the environment:
#   PYTHON_IMAGE          the base, in a release by its digest: python:3.11-slim-bookworm@sha256:...
#   FLAWGATE_SOURCE       where the sources are found, for the label
#   IMAGE_PREFIX          before the service's name, e.g. registry.example/flawgate; flawgate where it is not set
#   DOCKER_BUILD_OPTIONS  further options of `docker build`, e.g. --network=host
set -euo pipefail
cd "$(dirname "$0")/.."
export DOCKER_BUILDKIT=1
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
commit=$(git rev-parse HEAD 2>/dev/null || echo "")
if [ -n "$commit" ] && [ -n "$(git status --porcelain -- pyproject.toml uv.lock scripts/image services training)" ]; then
    commit+=-changed
fi
arguments=(--build-arg "FLAWGATE_VERSION=$version" --build-arg "FLAWGATE_COMMIT=$commit")
if [ -n "${PYTHON_IMAGE:-}" ]; then arguments+=(--build-arg "PYTHON_IMAGE=$PYTHON_IMAGE"); fi
if [ -n "${FLAWGATE_SOURCE:-}" ]; then arguments+=(--build-arg "FLAWGATE_SOURCE=$FLAWGATE_SOURCE"); fi
if [ -n "${DOCKER_BUILD_OPTIONS:-}" ]; then
    read -ra further <<<"$DOCKER_BUILD_OPTIONS"
    arguments+=("${further[@]}")
fi
if [ $# = 0 ]; then set -- preprocessing decision gateway camera triton training; fi
for service in "$@"; do
    dockerfile=services/$service/Dockerfile
    if [ "$service" = training ]; then dockerfile=training/Dockerfile; fi
    if [ ! -f "$dockerfile" ]; then
        echo "There is no $dockerfile; name a service that has one." >&2
        exit 2
    fi
    docker build "${arguments[@]}" --file "$dockerfile" --tag "${IMAGE_PREFIX:-flawgate}/$service:$version" .
done
