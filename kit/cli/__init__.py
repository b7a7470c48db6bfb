"""The command line: parse, call, echo. One thin command a stage; heavy imports inside the commands."""
