"""Attestations: facts and verdicts that are signed, and travel beside their image."""
