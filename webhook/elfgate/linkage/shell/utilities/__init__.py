"""The tools that scripts call: what they change, whether they can fail, what they print."""
