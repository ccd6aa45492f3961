"""A release.

Everything that one version publishes, made here, always the same bytes for the same commit.
"""
