"""Sound as samples: exact for clips, at a low rate for alignment."""
