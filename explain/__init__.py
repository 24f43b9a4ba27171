"""One clip to one explanation.

    from demeanor.explain import explain, measure

Importing this package is light: models and torch load inside the module that uses them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demeanor.explain.pipeline import explain, measure

__all__ = ["explain", "measure"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in __all__:
        from demeanor.explain import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
