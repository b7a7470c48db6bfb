"""An experiment as a DAG of stages: planned from one configuration, run on this machine, resumable cell by cell."""
