"""``elfgate completion``: the script by which a shell completes command lines."""

import argparse
import sys

USAGE = "elfgate completion bash|zsh|fish"
DESCRIPTION = "Print the script by which a shell completes verbs, options and files."
EPILOG = """exit codes: 0 printed; 2 bad usage

examples:
  source <(elfgate completion bash)
  elfgate completion zsh > "${fpath[1]}/_elfgate"
  elfgate completion fish > ~/.config/fish/completions/elfgate.fish
"""
SHELLS = ("bash", "zsh", "fish")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's argument."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    from elfgate.cli.whole import completion

    sys.stdout.write(completion(options.shell))
    return 0
