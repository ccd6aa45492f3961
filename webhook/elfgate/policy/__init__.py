"""The document that policies judge, the engines that evaluate it, and the verdict."""
