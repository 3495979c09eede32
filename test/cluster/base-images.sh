#!/usr/bin/env bash
# Makes the images that no registry needs to be asked for, in the store that STORE names to buildah:
#   STORE='--root …' base-images.sh NODE_BINARY
# docker.io/library/node:24-trixie-slim as the official one is, as far as a Dockerfile and its programs can see, and
# localhost/pause:1, which holds the namespaces of a pod.
set -euo pipefail
export BUILDAH_ISOLATION=chroot
buildah() { command buildah $STORE "$@"; } # unquoted: it is several arguments

scratch=$(mktemp -d)
root=$scratch/root
# debootstrap leaves /proc and /sys mounted when it is interrupted: nothing may be deleted through them.
trap 'umount -lq "$root/proc" "$root/sys" || true; rm -rf --one-file-system "$scratch"' EXIT

commit() { # commit FOLDER IMAGE CONFIG…
  local container; container=$(buildah from scratch)
  buildah copy -q "$container" "$1" / > "$scratch/copied"
  buildah config "${@:3}" "$container"
  buildah commit -q --rm "$container" "$2" > "$scratch/committed"
}

mkdir "$scratch/pause"
gcc -xc -static -Os -o "$scratch/pause/pause" - <<'C'
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int s) { (void)s; _exit(0); }
static void reap(int s) { (void)s; while (waitpid(-1, 0, WNOHANG) > 0); }
int main(void) { signal(SIGINT, leave); signal(SIGTERM, leave); signal(SIGCHLD, reap); for (;;) pause(); }
C
commit "$scratch/pause" localhost/pause:1 --entrypoint '["/pause"]'

debootstrap --variant=minbase --include=ca-certificates,libatomic1 trixie "$root" > "$scratch/log" || { tail "$scratch/log" >&2; exit 1; }
chroot "$root" apt-get clean
# What makes Debian's image slim: what programs do not read is not there, nor comes with what is installed later.
unread=(groff info linda lintian locale man)
printf 'path-exclude /usr/share/%s/*\n' doc "${unread[@]}" > "$root/etc/dpkg/dpkg.cfg.d/docker"
echo 'path-include /usr/share/doc/*/copyright' >> "$root/etc/dpkg/dpkg.cfg.d/docker"
find "$root/usr/share/doc" -type f ! -name copyright -delete
for name in "${unread[@]}"; do rm -rf "$root/usr/share/$name"; done
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/*.log
install -D "$1" "$root/usr/local/bin/node"
npm=$(readlink -f "$(command -v npm)") # …/lib/node_modules/npm/bin/npm-cli.js
mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/include"
cp -a "${npm%/bin/*}" "$root/usr/local/lib/node_modules/npm"
for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$root/usr/local/bin/$name"; done
# Modules that have to be compiled need the headers. Those of any version do: Node-API is the same in all.
cp -a "${npm%/lib/node_modules/*}/include/node" "$root/usr/local/include/"
# A machine that trusts further authorities does so since its registries are behind them.
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2> "$scratch/log" || true
chroot "$root" update-ca-certificates > "$scratch/log" 2>&1
commit "$root" docker.io/library/node:24-trixie-slim --cmd node \
  --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
