"""Where subjects are seen: the six sites of the design, and as many more as a size asks for."""

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
    """Whole numbers with these shares that sum up to the total (largest remainder).

    >>> quotas([0.06, 0.18, 0.05, 0.38, 0.22, 0.07, 0.03, 0.01], 48)
    [3, 9, 2, 18, 11, 3, 1, 1]
    """
    whole = sum(shares)
    exact = [share / whole * total for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda place: counts[place] - exact[place])
    for place in by_remainder[: total - sum(counts)]:
        counts[place] += 1
    return counts


def sites_of(design: Design, dice: Dice, count: int, subjects: int) -> list[tuple[Row, int]]:
    """Sites, each with how many subjects it has.

    8 % have none, 12 % are closed, and one in forty bears the name of another: only `siteId` tells those apart.
    """
    known = design.data["sites"][:count]
    fields = ("siteId", "siteName", "siteEnrollmentStatus")
    sites = [{name: site[name] for name in fields} for site in known]
    if count == len(known) and subjects % 48 == 0:
        return [(site, given["demoSubjects"] * (subjects // 48)) for site, given in zip(sites, known, strict=True)]
    for place in range(len(known), count):
        town = TOWNS[dice.below(len(TOWNS), "site", place)]
        sites.append({"siteId": 301 + place, "siteName": f"Site {301 + place} {town}", "siteEnrollmentStatus": OPEN})
    others = dice.order(range(len(known), count), "sites")
    empty = {5, *others[: max(0, round(count * 0.08) - 1)]}
    for place in others[len(others) - max(0, round(count * 0.12) - 2) :]:
        sites[place]["siteEnrollmentStatus"] = CLOSED
    for place in others[10 : 10 + count // 40]:
        sites[place]["siteName"] = sites[others[9]]["siteName"]
    weights = [0.0 if place in empty else float(1 / Decimal(place + 2) ** Decimal("0.7")) for place in range(count)]
    return list(zip(sites, quotas(weights, subjects), strict=True))
