"""Bytes → facts: what an ELF file says of how it is to be started.

Pure; the only room that knows pyelftools.
"""
