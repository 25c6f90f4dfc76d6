"""MM-DIA: expressive dialogues from films you own, and the toolkit to rebuild and load them."""
