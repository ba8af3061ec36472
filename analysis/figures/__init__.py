"""Figures, one per module: functions that draw a tidy table and return a ``Figure``."""
