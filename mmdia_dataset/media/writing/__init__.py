"""Clips written: packets copied, pictures and sound encoded, and what was written checked."""
