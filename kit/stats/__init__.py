"""Statistics as pure functions on arrays: intervals, paired comparisons, scaling laws."""
