"""The built directory: the one owner of its format, for writers and readers."""
