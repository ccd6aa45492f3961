"""Memories of this process: bounded in bytes, named, and listed in docs and metrics."""
