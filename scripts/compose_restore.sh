#!/usr/bin/env bash
# Bring back what compose_backup.sh wrote: scripts/compose_restore.sh FOLDER/flawgate-TIME
# Records are replaced by those of the backup; pictures are added. The gateway is stopped meanwhile, and not started again.
set -euo pipefail
folder=$(realpath "${1:?name a backup}")
cd "$(dirname "$0")/.."
docker compose create gateway
docker compose stop gateway
docker compose exec -T postgres pg_restore --username=flawgate --dbname=flawgate --clean --if-exists --no-owner --exit-on-error \
    --single-transaction < "$folder/records.dump"
docker run --rm --interactive --network=none --read-only --volumes-from "$(docker compose ps --all --quiet gateway)" \
    --user 10001:10001 --entrypoint tar "$(docker inspect --format '{{.Image}}' "$(docker compose ps --quiet postgres)")" \
    --extract --directory /data < "$folder/pictures.tar"
echo "Now: scripts/compose_up.sh"
