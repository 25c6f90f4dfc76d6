"""By speech alone: where somebody speaks when the dialogues say so."""
