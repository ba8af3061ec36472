"""Live trainings that can be continued: what all tasks that train a network share."""
