"""Images, wherever they are.

References, registries, layouts, archives, root file systems → layer indexes.
"""
