"""Really starts programs, each in a root file system of its own.

No root, engine or network is needed.
"""
