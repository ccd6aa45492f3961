"""The kernel's part of a start: ``execve``, and what it asks of a file."""
