#!/bin/bash
# Run by Postgres when its volume is new. One role for each product: neither reads the other's data.
psql -v ON_ERROR_STOP=1 --username postgres --dbname postgres \
  -v reelwright="$(cat /run/secrets/reelwright_db_password)" \
  -v temporal="$(cat /run/secrets/temporal_db_password)" <<'SQL'
CREATE ROLE reelwright LOGIN PASSWORD :'reelwright';
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE reelwright OWNER reelwright;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE reelwright, temporal, temporal_visibility FROM PUBLIC;
SQL
