"""From a sweep's records to tables, fits, figures, a page, and a verdict in words computed from them."""
