"""The grammar of shells: a script becomes typed nodes, once."""
