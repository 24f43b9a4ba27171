"""What can go wrong, as one tree.

DemeanorError                 say what was wanted, what was found, what to do
├── ClipError                 this clip cannot be read; names it; a batch goes on
│   ├── NotMedia              empty, text, an unknown format
│   └── TooLong               longer than the limit in force
├── TranscriptError           a sidecar that cannot be read; names it
├── MeasurementsError         a CSV or JSON of measurements that cannot be read
├── MissingExtra              an optional package is needed
├── ModelFileError            a model file is missing, or is not the one we know
├── ChatError                 the chat model could not be reached or refused
├── SettingsError             an unknown key, a value out of range
└── UnknownName               a label set, backend or person that does not exist
"""

from collections.abc import Iterable
from pathlib import Path


class DemeanorError(Exception):
    """Base of all errors that a user can do something about."""


class ClipError(DemeanorError):
    def __init__(self, path: Path, found: str, remedy: str) -> None:
        super().__init__(f"{path}: {found}. {remedy}")
        self.path, self.found, self.remedy = path, found, remedy


class NotMedia(ClipError):
    pass


class TooLong(ClipError):
    pass


class TranscriptError(DemeanorError):
    pass


class MeasurementsError(DemeanorError):
    pass


class MissingExtra(DemeanorError):
    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs {package}. Install it with:  pip install 'demeanor[{extra}]'"
        )
        self.package, self.extra = package, extra


class ModelFileError(DemeanorError):
    pass


class ChatError(DemeanorError):
    pass


class SettingsError(DemeanorError):
    pass


class UnknownName(DemeanorError):
    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no {what} {name!r}. Known: {', '.join(sorted(known))}")
