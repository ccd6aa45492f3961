"""Layers → one file system, as the node's runtime would show it to the container.

Pure: streams in, a tree out.
"""
