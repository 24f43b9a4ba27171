"""From a timeline to an explanation. Knows no files."""
