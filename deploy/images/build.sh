#!/usr/bin/env bash
# Build both images: dermai and dermai-zenml-server. With docker where it runs, otherwise with buildah, which needs no
# container engine. `make image` calls it.
#   BASE=registry.hospital.example/python:3.11.14-slim-bookworm make image    # another base image
#   BASE=debootstrap make image      # no registry at hand: a base of Debian's packages (buildah and debootstrap, as root)
#   IMAGE_BUILD_OPTIONS="--volume /etc/ssl/certs:/etc/ssl/certs:ro" make image    # e.g. the authorities of a mirror
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -1)
base=${BASE:-python:3.11.14-slim-bookworm}
read -ra options <<<"${IMAGE_BUILD_OPTIONS:-}"

if docker info >/dev/null 2>&1; then
  [ "$base" != debootstrap ] || { echo "BASE=debootstrap needs buildah: docker takes a base from a registry"; exit 1; }
  build() { docker build "${options[@]}" --build-arg BASE="$base" -f "$2" -t "$1:$version" .; }
elif command -v buildah >/dev/null; then
  # One layer: where the kernel has no overlay file system, each layer would be a whole copy.
  buildah=(buildah --storage-driver "${IMAGE_STORAGE_DRIVER:-vfs}")
  if [ "$base" = debootstrap ]; then
    base=localhost/dermai-base:bookworm
    "${buildah[@]}" inspect --type image "$base" >/dev/null 2>&1 || bash deploy/images/base.sh "$base"
  fi
  build() {
    "${buildah[@]}" bud --isolation chroot --layers=false "${options[@]}" --build-arg BASE="$base" -f "$2" -t "$1:$version" .
  }
else
  echo "No container engine answers and buildah is missing: install docker, or buildah (Debian: apt install buildah)"
  exit 1
fi

build dermai deploy/Dockerfile
build dermai-zenml-server deploy/zenml-server/Dockerfile
echo "Built dermai:$version and dermai-zenml-server:$version"
