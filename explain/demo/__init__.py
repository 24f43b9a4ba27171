"""A synthetic demonstration clip with known action units, and the script that renders it."""
