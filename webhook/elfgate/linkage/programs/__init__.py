"""Programs that start others.

The container's own command, wrappers, and the interpreters of scripts.
"""
