"""Randomness by counting: the same seed gives the same values on every machine and Python version.

There is no state and no order of calls: any value can be drawn alone, from the names it is drawn for. Only
multiplications, divisions and square roots are used on floats, since those are rounded alike everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

_ONE = 1 << 64
_WORDS = Struct(">8Q").unpack
LOW = (1 << 32) - 1


class Dice:
    """Draws values for a path of names, such as `dice.below(6, "visit", 100001, "jitter")`."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big", signed=True)

    def bits(self, *path: object) -> int:
        """64 random bits."""
        text = "\x1f".join(map(str, path)).encode()
        return int.from_bytes(blake2b(text, key=self._key, digest_size=8).digest(), "big")

    def words(self, name: str) -> tuple[int, ...]:
        """Eight times 64 random bits for one name; where many values are needed this is much faster."""
        return _WORDS(blake2b(name.encode(), key=self._key, digest_size=64).digest())

    def below(self, limit: int, *path: object) -> int:
        """A whole number from 0 to `limit - 1`."""
        return self.bits(*path) * limit >> 64

    def unit(self, *path: object) -> float:
        """A number from 0 up to 1."""
        return self.bits(*path) / _ONE

    def chance(self, rate: float, *path: object) -> bool:
        """True in this share of draws."""
        return self.unit(*path) < rate

    def pick(self, options: Sequence[T], *path: object) -> T:
        """One of the options."""
        return options[self.below(len(options), *path)]

    def poisson(self, mean: float, *path: object) -> int:
        """A count with this mean."""
        u, count, chance = self.unit(*path), 0, growth(-mean)
        while u >= chance and count < 60:
            u -= chance
            count += 1
            chance *= mean / count
        return count

    def order(self, items: Sequence[T], *path: object) -> list[T]:
        """The items in a random order."""
        return [items[place] for place in sorted(range(len(items)), key=lambda place: (self.bits(*path, place), place))]

    def uuid(self, *path: object) -> str:
        """A UUID as text."""
        return str(UUID(int=self.bits(*path, "high") << 64 | self.bits(*path, "low"), version=4))


def growth(exponent: float) -> float:
    """E to this power, by multiplications alone, so that no library's rounding enters."""
    factor = 1.0 + exponent / 1048576
    for _ in range(20):
        factor *= factor
    return factor


def bell(word: int) -> float:
    """A number around 0 with a spread of 1, nearly normal, from 64 random bits."""
    total = (word & 65535) + (word >> 16 & 65535) + (word >> 32 & 65535) + (word >> 48)
    return (total - 131070) / 37837.2  # 65535 / sqrt(3)
