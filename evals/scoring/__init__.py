"""Is an answer right? One file a kind of answer; pure functions of an output and what is wanted."""
