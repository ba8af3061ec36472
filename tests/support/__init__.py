"""What several tests need: tiny tasks, made-up files, and processes that are watched."""
