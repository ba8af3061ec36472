"""Figures, one a module: a tidy table in, a ``Figure`` out."""
