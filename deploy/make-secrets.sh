#!/bin/sh
# Makes the files that docker-compose.yml takes its secrets from, where they are missing. Give it the provider's token:
#   REPLICATE_API_TOKEN=r8_... deploy/make-secrets.sh [folder]
# The folder is closed to other users; the files in it are readable, since each container has a user of its own.
set -eu
folder=${1:-"$(dirname "$0")/../secrets"}
mkdir -p "$folder"
chmod 700 "$folder"
umask 033

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# Writes the text under the name unless that is there: a secret that is in use is not replaced.
keep() {
  [ -e "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"
}

for name in postgres_password reelwright_db_password temporal_db_password grafana_admin_password; do
  keep "$name" "$(random)"
done
keep secret_key "$(random)$(random)"
keep database_url "postgres://reelwright:$(cat "$folder/reelwright_db_password")@postgres:5432/reelwright"
if [ ! -e "$folder/replicate_api_token" ]; then
  [ -n "${REPLICATE_API_TOKEN:-}" ] || {
    echo "make-secrets.sh: expected the provider's token in REPLICATE_API_TOKEN" >&2
    exit 1
  }
  keep replicate_api_token "$REPLICATE_API_TOKEN"
fi
echo "the secrets are in $folder"
