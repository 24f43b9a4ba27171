"""OV-MER's word tables, fetched once on request: address, hash and terms are shown.

They are not carried by Demeanor: the repository that holds them says Apache-2.0 in one file, and
"research preview, non-commercial only" in another. A file whose SHA-256 is not the known one is
refused.
"""

import hashlib
import os
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from platformdirs import user_cache_path

from demeanor.eval.tables import FORMS_SHA256, TablesError
from demeanor.explain.store import write_atomic

OFFLINE = "DEMEANOR_OFFLINE"  # environment: "1" never fetches anything
_COMMIT = "89120b780ab18b28349f0e37dcc12b8cc253cb02"  # of 5 June 2026
_ROOT = f"https://raw.githubusercontent.com/zeroQiaoba/MERTools/{_COMMIT}"
_FOLDERS = {
    "v2025": f"{_ROOT}/MER2025/MER2025_Track23/emotion_wheel",
    "v2026": f"{_ROOT}/MER2026/MER2026_Track2/emotion_wheel",
}
NOTICE = (
    "These tables are by the authors of OV-MER and AffectGPT (github.com/zeroQiaoba/MERTools). "
    "Their repository states research use, non-commercial only. Please credit the authors."
)
_SHARED = {  # the same in both versions
    "synonym.xlsx": "23f81f9ab1d2418aaf96775304fb5dc52c62bb5d5ef652a97471d045fc9d2e29",
    "wheel1.xlsx": "e70485d354b82a7491ff24648273182a5f4f13f92c76e6b3e4f9033f5e6afcc1",
    "wheel2.xlsx": "acc001e076a8e60440361f58dd8c05ed900c4890c84bb7d8d1df93708a7d9c87",
    "wheel3.xlsx": "d62f30bf88c17c55876634cd088eacaef98278fc25457474364439872f9dbf83",
    "wheel4.xlsx": "660260561b7fe15550f3679a01e7c783608ce3403d4c28db0a88520f68d83aea",
    "wheel5.xlsx": "2dd4595b2cf8e7628ca06a416a8e38ac831614b244f23d1ae613dc34007649f1",
}
_MAX_BYTES = 1_000_000  # ten times the largest
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TableFile:
    version: str
    name: str
    sha256: str
    url: str


FILES = tuple(
    TableFile(version, name, sha256, f"{folder}/{name}")
    for version, folder in _FOLDERS.items()
    for name, sha256 in {"format.csv": FORMS_SHA256[version], **_SHARED}.items()
)


def tables_folder(version: str) -> Path:
    return user_cache_path("demeanor") / "tables" / version


def pulled(version: str) -> Path:
    """Where `pull` puts a version. Raises TablesError where it has not been pulled."""
    folder = tables_folder(version)
    if not folder.is_dir():
        raise TablesError(
            f"the word tables {version} are not here ({folder}). Fetch them with:  demeanor eval "
            "tables pull   or name the folder that has them with --tables DIR. Ours, --words d1, "
            "need nothing"
        )
    return folder


def pull(say: Say) -> list[tuple[str, str]]:
    """Fetch what is not there: (file, why not) of those that could not be had."""
    say(NOTICE)
    failed = []
    for file in FILES:
        path = tables_folder(file.version) / file.name
        if path.is_file() and _sha256(path.read_bytes()) == file.sha256:
            say(f"{path}: there")
            continue
        try:
            write_atomic(path, _fetched(file))
        except (OSError, HTTPException, TablesError) as error:  # urllib's are OSErrors
            failed.append((f"{file.version}/{file.name}", f"{error}. By hand: {file.url}"))
        else:
            say(f"{path}: fetched from {file.url}, SHA-256 {file.sha256}")
    return failed


def _fetched(file: TableFile) -> bytes:
    if os.environ.get(OFFLINE) == "1":
        raise TablesError(f"{OFFLINE}=1 forbids fetching")
    with urllib.request.urlopen(file.url, timeout=20) as reply:  # noqa: S310  https, above
        data: bytes = reply.read(_MAX_BYTES)
    if (found := _sha256(data)) != file.sha256:
        raise TablesError(f"wanted SHA-256 {file.sha256}, fetched {found}")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
