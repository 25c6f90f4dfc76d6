"""Which edition a recording is, and where in it everything is."""
