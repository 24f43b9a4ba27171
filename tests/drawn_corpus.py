"""A corpus of ten drawn files: what each shows (data_engine/conftest.py) and its label."""

FILES = {
    "anna/clip.jpg": ("smile 1", "happiness"),
    "bert/clip.jpg": ("smile 2", "happiness"),
    "anna/b.jpg": ("brows 1", "surprise"),
    "carl/c.jpg": ("frown 1", "anger"),
    "carl/d.jpg": ("smile 3", "anger"),
    "dora/e.jpg": ("nothing 1", "neutral"),
    "dora/f.jpg": ("nothing 2", "sadness"),
    "emil/g.jpg": ("smile-said 1", "happiness"),
    "emil/h.jpg": ("slight 1", "neutral"),
    "fay/i.jpg": ("voice 1", "happiness"),
}
