"""Running a model: one contract (`Backend`), one backend a file."""
