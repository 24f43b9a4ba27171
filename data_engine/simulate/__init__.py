"""Drawn clips for training without data sets: what is shown, and what would be measured of it."""
