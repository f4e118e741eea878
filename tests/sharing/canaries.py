"""Planted secrets of many kinds, none of them anybody's: made from a seed, in the forms that vendors give theirs."""

from __future__ import annotations

import base64
import random
import string

_LETTERS = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def _draw(dice: random.Random, alphabet: str, size: int) -> str:
    made = "".join(dice.choices(alphabet, k=size - 2))
    return "q7" + made if "q" in alphabet else "a7" + made if "a" in alphabet else "Q7" + made


#: What a kind looks like: a prefix, of what it is made, how long.
_KINDS = [
    ("sk-proj-", _LETTERS, 48), ("sk-", _LETTERS, 32), ("sk-ant-api03-", _LETTERS + "-_", 80), ("sk-or-v1-", _HEX, 64),
    ("sk-svcacct-", _LETTERS + "-_", 60), ("sess-", _LETTERS, 40), ("ek_", _HEX, 40), ("gsk_", _LETTERS, 52),
    ("xai-", _LETTERS, 80), ("pplx-", _LETTERS, 48), ("nvapi-", _LETTERS + "-_", 64), ("hf_", string.ascii_letters, 34),
    ("r8_", _LETTERS, 37), ("fw_", _LETTERS, 22), ("csk-", _LETTERS, 48), ("tgp_v1_", _LETTERS, 43),
    ("AIza", _LETTERS + "-_", 35), ("ya29.", _LETTERS + "-_", 60), ("GOCSPX-", _LETTERS, 28),
    ("AKIA", string.ascii_uppercase + "234567", 16), ("ghp_", _LETTERS, 36), ("gho_", _LETTERS, 36),
    ("github_pat_", _LETTERS + "_", 82), ("glpat-", _LETTERS, 20), ("xoxb-", _LETTERS + "-", 50),
    ("xoxp-", _LETTERS + "-", 70), ("xapp-", _LETTERS + "-", 60), ("sk_live_", _LETTERS, 24), ("whsec_", _LETTERS, 32),
    ("npm_", _LETTERS, 36), ("pypi-AgEI", _LETTERS + "-_", 60), ("dapi", _HEX, 32), ("dop_v1_", _HEX, 64),
    ("shpat_", _HEX, 32), ("lin_api_", _LETTERS, 40), ("glsa_", _LETTERS + "_", 41), ("hvs.", _LETTERS + "-_", 90),
    ("SG.", "", 0), ("eyJ", "", 0), ("dckr_pat_", _LETTERS + "-_", 27),
]  # fmt: skip


def canaries(count: int = 120, seed: int = 7) -> list[tuple[str, str]]:
    """(prefix, whole secret), round the kinds until there are enough."""
    dice = random.Random(seed)
    return [_canary(dice, *_KINDS[number % len(_KINDS)]) for number in range(count)]


def _canary(dice: random.Random, prefix: str, alphabet: str, size: int) -> tuple[str, str]:
    if prefix == "SG.":
        return prefix, f"SG.{_draw(dice, _LETTERS, 22)}.{_draw(dice, _LETTERS, 43)}"
    if prefix == "eyJ":
        head, claims = (
            base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (b'{"alg":"HS256"}', b'{"sub":7}')
        )
        return prefix, f"{head}.{claims}.{_draw(dice, _LETTERS, 43)}"
    if alphabet == string.ascii_letters:
        alphabet = _LETTERS
    return prefix, prefix + _draw(dice, alphabet, size)


def tells(secret: str, prefix: str) -> str:
    """The part of a secret that must not be seen: what follows its prefix, at most its first 12 characters."""
    return secret[len(prefix) :][:12]
