#!/usr/bin/env bash
# Builds the webhooks that benchmarks/webhook.py is measured against, Gatekeeper and Kyverno, from
# the Go module proxy into the user's cache, once for each pair of versions (go.mod names them), and
# prints the folder that holds them and the CRDs that they need: about ten minutes and some
# gigabytes of build cache the first time, nothing after that.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/elfgate

version() { # folder module
	sed -nE "s#^[[:space:]]*$2 (v[0-9.]+)( // indirect)?\$#\1#p" "$here/$1/go.mod"
}
folder=$cache/bin-gatekeeper-$(version gatekeeper github.com/open-policy-agent/gatekeeper/v3)-kyverno-$(version kyverno github.com/kyverno/kyverno)
if [ -e "$folder/complete" ]; then
	echo "$folder"
	exit
fi

command -v go >/dev/null || {
	echo "no go to build Gatekeeper and Kyverno with" >&2
	exit 1
}
# The module cache is shared with what else is built for the tests.
export GOMODCACHE=${GOMODCACHE:-$cache/go/mod} GOCACHE=${GOCACHE:-$cache/go/build}
export GOFLAGS="-buildvcs=false -trimpath -mod=readonly" CGO_ENABLED=0 GOTOOLCHAIN=local
mkdir -p "$folder"

build() { # program package
	echo "building $1" >&2
	(cd "$here/$1" && go build -ldflags "-s -w" -o "$folder/$1" "$2") >&2
}
# Custom resources' definitions come as files of the modules, not in the programs.
crds() { # program module folder-of-the-module...
	local program=$1 module
	module=$(cd "$here/$1" && go list -m -f '{{.Dir}}' "$2")
	shift 2
	for file in $(cd "$module" && find "$@" -name '*.yaml' | sort); do
		echo ---
		cat "$module/$file"
	done >"$folder/$program-crds.yaml"
}

build gatekeeper github.com/open-policy-agent/gatekeeper/v3
build kyverno github.com/kyverno/kyverno/cmd/kyverno
crds gatekeeper github.com/open-policy-agent/gatekeeper/v3 charts/gatekeeper/crds
crds kyverno github.com/kyverno/kyverno config/crds
touch "$folder/complete"
echo "$folder"
