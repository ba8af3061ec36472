"""A character-level language model, trained from scratch on Shakespeare."""
