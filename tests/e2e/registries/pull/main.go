// Pulls images as containerd does, with its own resolver and fetcher.
//
// Usage: pull; references come on standard input, one a line, and for each an answer goes to standard output: an empty
// line if the manifest, the config and all layers could be had, or else why not.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := pull(ctx, lines.Text())
		cancel()
		message := ""
		if err != nil {
			message = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(message)
	}
}

func pull(ctx context.Context, reference string) error {
	hosts := docker.ConfigureDefaultRegistries(
		docker.WithPlainHTTP(docker.MatchLocalhost),
		docker.WithAuthorizer(docker.NewDockerAuthorizer()),
	)
	resolver := docker.NewResolver(docker.ResolverOptions{Hosts: hosts})
	name, descriptor, err := resolver.Resolve(ctx, reference)
	if err != nil {
		return err
	}
	fetcher, err := resolver.Fetcher(ctx, name)
	if err != nil {
		return err
	}
	var manifest ocispec.Manifest
	data, err := fetched(ctx, fetcher, descriptor)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return err
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		if _, err := fetched(ctx, fetcher, blob); err != nil {
			return err
		}
	}
	return nil
}

func fetched(ctx context.Context, fetcher remotes.Fetcher, what ocispec.Descriptor) ([]byte, error) {
	stream, err := fetcher.Fetch(ctx, what)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	data, err := io.ReadAll(io.LimitReader(stream, 64<<20))
	if err != nil {
		return nil, err
	}
	if actual := what.Digest.Algorithm().FromBytes(data); actual != what.Digest {
		return nil, fmt.Errorf("%s does not match its digest", what.Digest)
	}
	return data, nil
}
