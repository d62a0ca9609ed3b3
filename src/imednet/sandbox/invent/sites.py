"""Sites: the six of the design, as many more as a size asks for, and how many subjects each has."""

from __future__ import annotations

from decimal import Decimal

from .design import Design, Row
from .seeded import Dice

TOWNS = (
    "Aldermoor", "Birkhaven", "Caldmere", "Dunwick", "Eastfell", "Fernhollow", "Glenbrook", "Harrowgate", "Inverlee",
    "Juniper Bay", "Kestrel Point", "Larkfield", "Moorside", "Northwold", "Oakhurst", "Pinecrest", "Quarry Hill",
    "Ravensford", "Silverdale", "Thornbury", "Underhill", "Violet Springs", "Westmarch", "Yarrow", "Zellwood",
    "Amberley", "Bexcombe", "Cinder Falls", "Dovecote", "Elmstead", "Foxglen", "Greywater", "Hollin", "Ironbridge",
    "Jasper", "Kingsmead", "Lowbank", "Millrace", "Netherby", "Otterburn", "Pebble Beach", "Quayside", "Rosewell",
    "Saltmarsh", "Tarnside", "Upland", "Vale", "Windmere", "Yewtree", "Zephyr", "Ashgrove", "Blackthorn", "Copperhill",
    "Driftwood", "Emberton", "Falcon Ridge", "Granite", "Heatherly", "Islay Cross", "Junction",
)  # fmt: skip
OPEN, CLOSED = "Enrollment Open", "Enrollment Closed"


def quotas(shares: list[float], total: int) -> list[int]:
    """Whole numbers in proportion to shares that sum up to the total, by the largest remainder.

    >>> quotas([0.06, 0.18, 0.05, 0.38, 0.22, 0.07, 0.03, 0.01], 48)
    [3, 9, 2, 18, 11, 3, 1, 1]
    """
    total_share = sum(shares)
    exact = [share / total_share * total for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda index: counts[index] - exact[index])
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return counts


def sites_of(design: Design, dice: Dice, count: int, subjects: int) -> list[tuple[Row, int]]:
    """Sites, each with its number of subjects.

    8 % have no subjects, 12 % are closed, and one in forty has the name of another site but its own `siteId`.
    """
    designed = design.data["sites"][:count]
    fields = ("siteId", "siteName", "siteEnrollmentStatus")
    sites = [{name: site[name] for name in fields} for site in designed]
    if count == len(designed) and subjects % 48 == 0:
        return [(site, source["demoSubjects"] * (subjects // 48)) for site, source in zip(sites, designed, strict=True)]
    for index in range(len(designed), count):
        town = TOWNS[dice.below(len(TOWNS), "site", index)]
        sites.append({"siteId": 301 + index, "siteName": f"Site {301 + index} {town}", "siteEnrollmentStatus": OPEN})
    others = dice.order(range(len(designed), count), "sites")
    empty = {5, *others[: max(0, round(count * 0.08) - 1)]}
    for index in others[len(others) - max(0, round(count * 0.12) - 2) :]:
        sites[index]["siteEnrollmentStatus"] = CLOSED
    for index in others[10 : 10 + count // 40]:
        sites[index]["siteName"] = sites[others[9]]["siteName"]
    weights = [0.0 if index in empty else float(1 / Decimal(index + 2) ** Decimal("0.7")) for index in range(count)]
    return list(zip(sites, quotas(weights, subjects), strict=True))
