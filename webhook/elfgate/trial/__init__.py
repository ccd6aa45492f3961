"""Really starts programs, each in a root file system of its own, without root, engine or network."""
