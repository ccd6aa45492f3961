"""The cluster's objects → what is to be judged, and where it may land."""
