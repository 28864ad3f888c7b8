#!/bin/sh
# Gives up root before any Python runs, in favour of the owner of the model folder, so that on the host
# what is stored belongs to the owner of the folder. A folder that Docker had to make belongs to root: it is
# handed to APP_UID. Started with --user, there is nothing to give up.
set -eu
if [ "$(id -u)" = 0 ] && [ "$APP_UID" != 0 ]; then
    uid=$(stat -c %u "$MODEL_FOLDER" 2>/dev/null || echo 0)
    gid=$(stat -c %g "$MODEL_FOLDER" 2>/dev/null || echo 0)
    if [ "$uid" = 0 ]; then
        uid=$APP_UID
        gid=$APP_GID
        # With its content: versions that root once trained must be prunable, too. Where that may not be (a
        # read-only mount), the job says so itself, with its own exit code.
        chown -R -h --from=0 "$uid:$gid" "$MODEL_FOLDER" 2>/dev/null || true
    fi
    exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs "$0" "$@"
fi
export NUMBA_CACHE_DIR="$HOME/numba"
mkdir -p "$HOME"
cp -r /opt/warm/. "$HOME"
exec "$@"
