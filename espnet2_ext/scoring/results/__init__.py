"""From single results to tables, pages, curves and comparisons."""
