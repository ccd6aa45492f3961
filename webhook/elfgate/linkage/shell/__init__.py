"""Shell scripts, followed to the programs that they end in, without running them: begin at `entrypoint`."""
