"""The dynamic loaders' part of a start, one folder a libc; beside them what both share."""
