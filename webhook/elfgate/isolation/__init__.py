"""Work on strangers' bytes, in processes that hold nothing, reach nothing and can be killed."""
