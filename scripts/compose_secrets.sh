#!/usr/bin/env bash
# Make the secrets of docker-compose.yml that are missing; those that are there stay: scripts/compose_secrets.sh
# Only whoever may enter the folder reaches them here; in a container, each is mounted alone, and readable by its user.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${FLAWGATE_SECRETS:-$(sed -n 's/^FLAWGATE_SECRETS=//p' .env)}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

keep() { # NAME: what comes in becomes the secret of this name, where there is none
    if [ -s "$folder/$1" ]; then return; fi
    cat > "$folder/$1.new"
    chmod 444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "made $folder/$1"
}
password() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }

keep database_password < <(password)
keep database_url < <(printf 'postgresql://flawgate:%s@postgres/flawgate' "$(cat "$folder/database_password")")
keep grafana_password < <(password)
