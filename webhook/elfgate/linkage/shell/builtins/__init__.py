"""The commands that a shell runs by itself."""
