"""What the user brings: facts and events from files of any ordinary form, read one way or not at all."""
