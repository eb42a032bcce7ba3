#!/usr/bin/env bash
# A base image from Debian's packages, for a build that reaches no registry of images: deploy/images/base.sh NAME
set -euo pipefail
command -v debootstrap >/dev/null || { echo "debootstrap is missing (Debian: apt install debootstrap)"; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" \
  "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
chmod 755 "$root"

buildah=(buildah --storage-driver "${IMAGE_STORAGE_DRIVER:-vfs}")
container=$("${buildah[@]}" from scratch)
"${buildah[@]}" add "$container" "$root" / >/dev/null
"${buildah[@]}" commit --rm "$container" "$1"
