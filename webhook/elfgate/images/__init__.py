"""Images, wherever they are: references, registries, layouts, archives, root file systems → layer indexes."""
