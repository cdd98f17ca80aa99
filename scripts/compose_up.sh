#!/usr/bin/env bash
# Bring up what docker-compose.yml and .env describe, and return when frames are inspected: scripts/compose_up.sh
# Whatever is missing is made before: images, secrets, and for a GPU the wheels of `flawgate build-plans`. From the environment:
#   FLAWGATE_WAIT_S  longest time for all of it to be healthy; plans take minutes a network (default 3600)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/compose_secrets.sh
scripts/compose_wheels.sh
scripts/compose_images.sh > /dev/null
docker compose up --detach --wait --wait-timeout "${FLAWGATE_WAIT_S:-3600}"
docker compose ps
