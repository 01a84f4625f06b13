#!/bin/sh
# Makes the tables of Temporal's two databases, or brings them to the version of this image.
set -eu
SQL_PASSWORD="$(cat /run/secrets/temporal_db_password)"
export SQL_PASSWORD
for pair in temporal=temporal temporal_visibility=visibility; do
  # The first command makes the tables of versions where they are missing, and lowers no version.
  temporal-sql-tool --database "${pair%=*}" setup-schema --version 0.0
  temporal-sql-tool --database "${pair%=*}" update-schema --schema-dir "$SCHEMAS/${pair#*=}/versioned"
done
