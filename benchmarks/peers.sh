#!/usr/bin/env bash
# Builds the peers that benchmarks/layers.py is measured against, from the Go module proxy into the
# user's cache, and prints the directory that holds them. The first time takes some minutes and 3 GB
# of module and build cache.
set -euo pipefail
crane=v0.22.1
syft=v1.57.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/elfgate
export GOBIN=$cache/bin-peers-$crane-$syft

if [ ! -x "$GOBIN/crane" ] || [ ! -x "$GOBIN/syft" ]; then
	command -v go >/dev/null || {
		echo "no go to build syft and crane with" >&2
		exit 1
	}
	export GOMODCACHE=${GOMODCACHE:-$cache/go/mod} GOCACHE=${GOCACHE:-$cache/go/build}
	export GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0
	mkdir -p "$GOBIN"
	go install -ldflags "-s -w" "github.com/google/go-containerregistry/cmd/crane@$crane" >&2
	go install -ldflags "-s -w" "github.com/anchore/syft/cmd/syft@$syft" >&2
fi
echo "$GOBIN"
