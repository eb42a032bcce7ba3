#!/usr/bin/env bash
# Run a command within the root of an image that buildah built, as it runs in production: an unprivileged user, a
# read-only root, no capabilities, /tmp in memory. Where there is docker, `docker run --read-only` does the same.
#   deploy/images/inside.sh IMAGE [--bind FOLDER:/PLACE]... [--env NAME=VALUE]... -- COMMAND...
set -euo pipefail
buildah=(buildah --storage-driver "${IMAGE_STORAGE_DRIVER:-vfs}")
image=$1
shift
binds=()
environment=()
while [ "$1" != -- ]; do
  case $1 in
    --bind) binds+=("$2") ;;
    --env) environment+=("$2") ;;
    *) echo "not an option: $1"; exit 2 ;;
  esac
  shift 2
done
shift

# One working container an image, kept for the next command: its root is never written to.
container=$(tr -c 'a-z0-9\n' - <<<"inside-$image")
"${buildah[@]}" inspect --type container "$container" >/dev/null 2>&1 || "${buildah[@]}" from --pull-never --name "$container" "$image" >/dev/null
root=$("${buildah[@]}" mount "$container")
mapfile -t own < <("${buildah[@]}" inspect --type image --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$image" | sed '/^$/d')
folder=$("${buildah[@]}" inspect --type image --format '{{.OCIv1.Config.WorkingDir}}' "$image")

mount_and_run() {
  for bind in "${binds[@]}"; do [ -e "$root${bind#*:}" ] || mkdir "$root${bind#*:}"; done  # as an engine does
  mount --bind "$root" "$root"
  mount -o remount,bind,ro "$root"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  for file in /etc/resolv.conf /etc/hosts; do [ ! -e "$root$file" ] || mount --bind "$file" "$root$file"; done
  for bind in "${binds[@]}"; do mount --bind "${bind%%:*}" "$root${bind#*:}"; done
  exec chroot "$root" /usr/bin/env --ignore-environment "${own[@]}" "${environment[@]}" \
    /usr/bin/setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}
exec unshare --mount --propagation private --pid --fork --kill-child bash -c \
  "$(declare -p own binds environment folder root); $(declare -f mount_and_run); set -euo pipefail; mount_and_run \"\$@\"" inside "$@"
