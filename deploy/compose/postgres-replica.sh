#!/bin/sh
# Copies the primary when there is no copy yet, then follows it. The password of the role `replicator` is in PGPASSWORD.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # beside it first: what was copied by half would be taken for whole by the next start
    rm -rf "$PGDATA.new"
    mkdir -p "$(dirname "$PGDATA")"
    pg_basebackup --dbname "host=$PRIMARY_HOST port=$PRIMARY_PORT user=replicator" --pgdata "$PGDATA.new" \
        --wal-method=stream --checkpoint=fast --slot=replica --write-recovery-conf
    rm -rf "$PGDATA"
    mv "$PGDATA.new" "$PGDATA"
fi
exec postgres -D "$PGDATA" "$@"
