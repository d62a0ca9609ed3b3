"""`Dice`: random values that are the same on every machine and Python version for the same seed.

A value is a hash of the seed and of the names it is drawn for. There is no state, so any value can be drawn alone, in
any order. Floats are only added, multiplied and divided, because those operations round alike everywhere.
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
"""Mask of the lower 32 of 64 random bits."""


class Dice:
    """Draws a value for a path of names, such as `dice.below(6, "visit", 100001, "jitter")`."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big", signed=True)

    def bits(self, *path: object) -> int:
        """64 random bits for a path of names."""
        text = "\x1f".join(map(str, path)).encode()
        return int.from_bytes(blake2b(text, key=self._key, digest_size=8).digest(), "big")

    def words(self, name: str) -> tuple[int, ...]:
        """Eight numbers of 64 random bits for one name: much faster than eight calls of `bits`."""
        return _WORDS(blake2b(name.encode(), key=self._key, digest_size=64).digest())

    def below(self, limit: int, *path: object) -> int:
        """A whole number from 0 to `limit - 1`."""
        return self.bits(*path) * limit >> 64

    def unit(self, *path: object) -> float:
        """A number from 0 up to, but not including, 1."""
        return self.bits(*path) / _ONE

    def chance(self, rate: float, *path: object) -> bool:
        """True with this probability."""
        return self.unit(*path) < rate

    def pick(self, options: Sequence[T], *path: object) -> T:
        """One of the options, at random."""
        return options[self.below(len(options), *path)]

    def poisson(self, mean: float, *path: object) -> int:
        """A Poisson-distributed count with this mean."""
        u, count, chance = self.unit(*path), 0, growth(-mean)
        while u >= chance and count < 60:
            u -= chance
            count += 1
            chance *= mean / count
        return count

    def order(self, items: Sequence[T], *path: object) -> list[T]:
        """The items in a random order."""
        return [items[index] for index in sorted(range(len(items)), key=lambda index: (self.bits(*path, index), index))]

    def uuid(self, *path: object) -> str:
        """A UUID as text."""
        return str(UUID(int=self.bits(*path, "high") << 64 | self.bits(*path, "low"), version=4))


def growth(exponent: float) -> float:
    """`e` to this power, by multiplications alone: libraries round `exp` differently."""
    factor = 1.0 + exponent / 1048576
    for _ in range(20):
        factor *= factor
    return factor


def bell(word: int) -> float:
    """A nearly normal number with mean 0 and standard deviation 1, from 64 random bits."""
    total = (word & 65535) + (word >> 16 & 65535) + (word >> 32 & 65535) + (word >> 48)
    return (total - 131070) / 37837.2  # 65535 / sqrt(3)
