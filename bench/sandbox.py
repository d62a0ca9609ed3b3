"""What the sandbox itself costs: start, pages made and pages from memory, memory of a million records. Prints JSON."""

from __future__ import annotations

import http.client
import json
import resource
import sys
import time

from imednet.sandbox import Sandbox

PAGES = 40
HEADERS = {"x-api-key": "demo-api-key", "x-imn-security-key": "demo-security-key", "Content-Type": "application/json"}


def main() -> None:
    size = sys.argv[1]
    begun = time.perf_counter()
    with Sandbox(size) as box:
        line = http.client.HTTPConnection(box.url.removeprefix("http://"))

        def page(number: int) -> int:
            line.request("GET", f"/api/v1/edc/studies/TIDEWATER-201/records?size=500&page={number}", headers=HEADERS)
            return len(line.getresponse().read())

        page(0)
        start = time.perf_counter() - begun
        pages = min(PAGES, -(-len(box.studies["TIDEWATER-201"].records) // 500))
        seconds = []
        for _ in range(2):
            begun = time.perf_counter()
            sent = sum(page(number) for number in range(pages))
            seconds.append((time.perf_counter() - begun) / pages)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps({"start": start, "cold": seconds[0], "warm": seconds[1], "page": sent / pages, "mb": peak}))


if __name__ == "__main__":
    main()
