"""Keys in links to a clip, since a <video> element sends no headers.

A key is good for one clip and for one to two hours, and for nothing else. It changes once an
hour: a page that is drawn anew within it has the same link, and a film goes on playing.
"""

import hashlib
import hmac
import secrets
import time

_HOUR_S = 3600


class Keys:
    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)  # of this process: keys end with it

    def sign(self, clip_id: str, now_s: float | None = None) -> str:
        now_s = time.time() if now_s is None else now_s
        until = (int(now_s) // _HOUR_S + 2) * _HOUR_S
        return f"{until:x}-{self._proof(clip_id, until)}"

    def holds(self, clip_id: str, key: str, now_s: float | None = None) -> bool:
        now_s = time.time() if now_s is None else now_s
        told, _, proof = key.partition("-")
        try:
            until = int(told[:16], 16)
        except ValueError:
            return False
        right = hmac.compare_digest(self._proof(clip_id, until).encode(), proof.encode())
        return right and now_s < until

    def _proof(self, clip_id: str, until: int) -> str:
        said = f"{clip_id}\n{until}".encode()
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:32]
