"""Needs: what a program takes from the system that it is started on."""
