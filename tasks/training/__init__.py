"""Live trainings that can be resumed: code shared by the tasks that train for real."""
