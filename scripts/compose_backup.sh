#!/usr/bin/env bash
# Write records and pictures of the running cluster into a new folder of FOLDER: scripts/compose_backup.sh FOLDER
# Records first: a picture too many is harmless, one too few is not. Nothing is stopped meanwhile.
set -euo pipefail
folder=$(realpath "${1:?name a folder, on another disk than that of Docker}")/flawgate-$(date --utc +%Y%m%dT%H%M%SZ)
cd "$(dirname "$0")/.."
umask 077
mkdir -p "$folder.part"
docker compose exec -T postgres pg_dump --username=flawgate --format=custom --no-owner --no-privileges flawgate \
    > "$folder.part/records.dump"
docker compose exec -T postgres pg_restore --list < "$folder.part/records.dump" > /dev/null

# The gateway's image holds no tar; PostgreSQL's does. Status 1: pictures came or went meanwhile.
gateway=$(docker compose ps --quiet gateway)
status=0
docker run --rm --network=none --read-only --volumes-from "$gateway:ro" --user 10001:10001 --entrypoint tar \
    "$(docker inspect --format "{{.Image}}" "$(docker compose ps --quiet postgres)")" \
    --create --directory /data . > "$folder.part/pictures.tar" || status=$?
if [ "$status" -gt 1 ]; then exit "$status"; fi
mv "$folder.part" "$folder"
du --human-readable "$folder"/*
