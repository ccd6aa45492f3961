"""glibc's loader."""
