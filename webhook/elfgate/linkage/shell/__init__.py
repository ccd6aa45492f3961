"""Shell scripts: their syntax, their values, and the programs that they may start."""
