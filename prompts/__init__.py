"""Prompts as Markdown files with $name slots, filled strictly and hashed into every result."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template


@dataclass(frozen=True, slots=True)
class Prompt:
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def slots(self) -> frozenset[str]:
        return frozenset(Template(self.text).get_identifiers())

    def fill(self, **values: str) -> str:
        """The text with every slot filled. Raises ValueError for a missing or an unknown name."""
        if set(values) != self.slots:
            raise ValueError(
                f"prompt {self.name}: wanted {sorted(self.slots)}, got {sorted(values)}"
            )
        return Template(self.text).substitute(values)


@cache
def load_prompt(name: str) -> Prompt:
    """The shipped prompt `name`, e.g. "explain" for prompts/explain.md."""
    file = files("demeanor.prompts").joinpath(f"{name}.md")
    if not file.is_file():
        raise ValueError(f"there is no prompt {name!r} in prompts/")
    return Prompt(name, file.read_text("utf-8"))
