// Unpacks layers as containerd does, and starts programs in what comes of it.
//
// Usage: unpack FOLDER; jobs come on standard input and answers go to standard output, a JSON document a line. It needs
// root and a mount namespace of its own (unshare --mount).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/pkg/archive"
)

// start is a program to be started, and by whom.
type start struct {
	Path string `json:"path"`
	UID  uint32 `json:"uid"`
}

// job is a stack of layers, and what is to be started in it.
type job struct {
	Layers []string `json:"layers"` // tar files, bottom first
	Folder bool     `json:"folder"` // each is unpacked onto those below it; else overlayfs merges them
	Starts []start  `json:"starts"`
}

// answer is what came of a job.
type answer struct {
	Refused string   `json:"refused"` // why the layers cannot be unpacked; empty if they can
	Starts  []string `json:"starts"`  // for each start the error of execve, such as ENOENT, or empty
}

func main() {
	input, output := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	decoder := json.NewDecoder(input)
	for number := 0; ; number++ {
		var asked job
		if err := decoder.Decode(&asked); err != nil {
			return
		}
		place := filepath.Join(os.Args[1], strconv.Itoa(number))
		answered, err := answerTo(asked, place)
		if err != nil {
			fmt.Fprintln(os.Stderr, "unpack:", err)
			os.Exit(1)
		}
		if err := output.Encode(answered); err != nil {
			os.Exit(1)
		}
	}
}

func answerTo(asked job, place string) (answer, error) {
	if err := syscall.Mount("tmpfs", mkdir(place), "tmpfs", 0, ""); err != nil {
		return answer{}, fmt.Errorf("mount of a tmpfs: %w", err)
	}
	defer syscall.Unmount(place, syscall.MNT_DETACH)
	unpack := overlay
	if asked.Folder {
		unpack = folder
	}
	root, err := unpack(asked.Layers, place)
	if err != nil {
		return answer{Refused: err.Error(), Starts: []string{}}, nil
	}
	defer syscall.Unmount(root, syscall.MNT_DETACH)
	answered := answer{Starts: []string{}}
	for _, wanted := range asked.Starts {
		outcome, err := outcomeOf(root, wanted)
		if err != nil {
			return answer{}, err
		}
		answered.Starts = append(answered.Starts, outcome)
	}
	return answered, nil
}

// folder unpacks as the native snapshotter has it done: onto a copy of what is below.
func folder(layers []string, place string) (string, error) {
	root := mkdir(filepath.Join(place, "root"))
	for _, layer := range layers {
		if err := apply(root, layer); err != nil {
			return "", err
		}
	}
	return root, nil
}

// overlay unpacks as the overlayfs snapshotter has it done, whose first layer is a bind mount, with nothing to hide.
func overlay(layers []string, place string) (string, error) {
	var lower []string
	for number, layer := range layers {
		upper := mkdir(filepath.Join(place, strconv.Itoa(number)))
		options := []archive.ApplyOpt{}
		if number > 0 {
			options = append(options, archive.WithConvertWhiteout(archive.OverlayConvertWhiteout))
			options = append(options, archive.WithParents(lower))
		}
		if err := apply(upper, layer, options...); err != nil {
			return "", err
		}
		lower = append([]string{upper}, lower...)
	}
	root := mkdir(filepath.Join(place, "root"))
	if len(lower) == 1 {
		lower = append(lower, mkdir(filepath.Join(place, "empty"))) // overlayfs wants two
	}
	data := "lowerdir=" + strings.Join(lower, ":")
	if err := syscall.Mount("overlay", root, "overlay", syscall.MS_RDONLY, data); err != nil {
		return "", fmt.Errorf("mount of an overlay: %w", err)
	}
	return root, nil
}

func apply(root, layer string, options ...archive.ApplyOpt) error {
	tar, err := os.Open(layer)
	if err != nil {
		return err
	}
	defer tar.Close()
	_, err = archive.Apply(context.Background(), root, tar, options...)
	return err
}

func outcomeOf(root string, wanted start) (string, error) {
	command := exec.Cmd{Path: wanted.Path, Args: []string{wanted.Path}, Dir: "/"}
	command.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Credential: &syscall.Credential{Uid: wanted.UID, Gid: wanted.UID},
	}
	err := command.Run()
	var refused syscall.Errno
	if errors.As(err, &refused) {
		return refused.Error(), nil
	}
	return "", err
}

func mkdir(path string) string {
	if err := os.MkdirAll(path, 0o755); err != nil {
		panic(err)
	}
	return path
}
