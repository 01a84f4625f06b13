#!/bin/sh
# Temporal's server takes its password from its environment alone, so that is where this puts it, for its process.
set -eu
POSTGRES_PASSWORD="$(cat /run/secrets/temporal_db_password)"
export POSTGRES_PASSWORD
exec temporal-server --root / --config etc/reelwright/temporal --env production --allow-no-auth start
