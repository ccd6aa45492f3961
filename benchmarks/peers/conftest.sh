#!/usr/bin/env bash
# Builds the conftest that benchmarks/check.py is measured against, from the Go module proxy into
# the user's cache, and prints its path: some minutes the first time.
set -euo pipefail
version=v0.71.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/elfgate
export GOBIN=$cache/bin-conftest-$version

if [ ! -x "$GOBIN/conftest" ]; then
	command -v go >/dev/null || {
		echo "no go to build conftest with" >&2
		exit 1
	}
	export GOMODCACHE=${GOMODCACHE:-$cache/go/mod} GOCACHE=${GOCACHE:-$cache/go/build}
	export GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 GOTOOLCHAIN=local
	mkdir -p "$GOBIN"
	go install -ldflags "-s -w" "github.com/open-policy-agent/conftest@$version" >&2
fi
echo "$GOBIN/conftest"
