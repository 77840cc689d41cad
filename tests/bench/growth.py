# SPDX-License-Identifier: Apache-2.0
"""What grows with the records: the same figures at 10^4, 10^5, … records in one feed.

The first city keeps its archive from size to size; for each a new city takes all of it. Every
figure becomes a line `growth_N_NAME`, and, with --plots, a point of a plot.
"""
import random
import shutil
import statistics
import time

import city as cities
import cold

NETWORK = "growth"
RECORD_BYTES = 1024
MIB = 1 << 20
LINES = 50_000
CATCH_UP_S_MAX = 1800
START_MS_MAX = 50
RECONNECT_BYTES_MAX = 512
MEMORY_MIB_MAX = 64

# Figure: (text for people, unit). In the order in which they are plotted.
FIGURES = {
    "bulk_publish_records_per_s": ("Publishing in bulk", "records/s"),
    "catch_up_records_per_s": ("Catch-up", "records/s"),
    "anon_peak_mib": ("Anonymous memory during catch-up, the higher of both cities", "MiB"),
    "store_bytes_per_record": ("Store, a record of 1 KiB", "bytes"),
    "start_ms": ("Start, until the API answers", "ms"),
    "start_cold_ms": ("Start, nothing in memory", "ms"),
    "reconnect_bytes": ("Reconnect with nothing new", "bytes"),
    "reconnect_ms": ("Reconnect, from the start until live", "ms"),
    "alert_p50_ms": ("Alert, API at A to event at B, median", "ms"),
    "alert_p99_ms": ("Alert, API at A to event at B, 99th percentile", "ms"),
    "read_p50_ms": ("A record by its id, median", "ms"),
    "read_p99_ms": ("A record by its id, 99th percentile", "ms"),
    "cold_catch_up_records_per_s": ("Catch-up from an archive that is not in memory",
                                    "records/s"),
    "cold_alert_p99_ms": ("Alert during that, 99th percentile", "ms"),
}


class Growth:
    def __init__(self, bench):
        self.bench = bench
        self.sizes = sorted(int(size) for size in bench.options.records.split(","))
        self.found = {size: {} for size in self.sizes}
        self.joined = 0
        self.stored = 0
        self.second = None

    def run(self):
        bench = self.bench
        bench.say("memory is filled")
        bench.fill(2 * self.sizes[-1] * RECORD_BYTES)
        limit = bench.median("bench_limits", "lmdb", bench.root, 200_000, 1024, rounds=3)
        bench.row("limit_lmdb_records_per_s", limit["lmdb_records_per_s"])
        self.first = bench.new_city("first")
        self.first.hansa("network", "create", "--name", "Growth", "--slug", NETWORK)
        for size in self.sizes:
            self.grow(size)
        self.ratios()

    def grow(self, size):
        found, bench = self.found[size], self.bench
        # The largest takes minutes: once. Small ones are over in a blink: more often.
        rounds = 1 if size > 2_000_000 else 3 if size > 50_000 else 5
        bench.say(f"{size} records: publish")
        found["bulk_publish_records_per_s"] = self.publish(size, rounds)
        bench.say(f"{size} records: catch-up")
        self.catch_up(size, found, rounds)
        bench.say(f"{size} records: alerts, reading, reconnect")
        self.alerts(found)
        self.read(size, found)
        self.reconnect(found)
        found["store_bytes_per_record"] = max(
            city.store_bytes() / city.status()["store"]["records"]
            for city in (self.first, self.second))
        bench.say(f"{size} records: cold")
        cold.Cold(self, NETWORK).run(size, found)
        for name in FIGURES:
            if name in found:
                bench.row(f"growth_{size}_{name}", found[name])

    def publish(self, size, rounds):
        """Up to this size; the median rate of the parts."""
        rates, left = [], size - self.stored
        for number in range(rounds, 0, -1):
            count = left // number
            left -= count
            rates.append(self.bench.program("bench_publish", "bulk", self.first.socket, NETWORK,
                                            count, LINES, timeout=CATCH_UP_S_MAX)
                         ["records_per_s"])
        self.stored = size
        return statistics.median(rates)

    def join(self):
        """A new city that has nothing yet, and its token."""
        self.joined += 1
        slug = f"city{self.joined}"
        new = self.bench.new_city(slug)
        token = self.first.hansa("invite", "--network", NETWORK, "--city", slug, "--key",
                                 new.fingerprint, text=True).strip()
        return new, token

    def forget(self, city):
        city.stop()
        shutil.rmtree(city.folder)

    def take_all(self, city, token, size):
        """Seconds from the last look at which nothing was there to all being durable."""
        began = time.monotonic()
        city.hansa("join", token)
        alerts = self.first.held(self.first, "alert")
        held, pause = 0, 0.005 if size < 50_000 else 0.02
        while held < size:
            now = time.monotonic()
            if held == 0:
                began = now
            if now - began > CATCH_UP_S_MAX:
                raise RuntimeError(f"catch-up: {held} of {size} records came")
            time.sleep(pause)
            held = city.held(self.first)
        took = time.monotonic() - began
        # Else one of them is taken for one that a later step publishes.
        cities.wait(lambda: city.held(self.first, "alert") >= alerts, "the alerts")
        return took

    def catch_up(self, size, found, rounds):
        rates, peaks = [], []
        for _ in range(rounds):
            if self.second:
                self.forget(self.second)
            self.second, token = self.join()
            with cities.Usage(self.first, self.second) as usage:
                rates.append(size / self.take_all(self.second, token, size))
            peaks.append(max(usage.peak_mib().values()))
        found["catch_up_records_per_s"] = statistics.median(rates)
        found["anon_peak_mib"] = max(peaks)

    def alerts(self, found):
        told = self.bench.median("bench_alert", self.first.socket, self.second.socket, NETWORK,
                                 200, 2, self.bench.root, rounds=3)
        found["alert_p50_ms"] = told["told_p50_ms"]
        found["alert_p99_ms"] = told["told_p99_ms"]

    def read(self, size, found):
        """Records drawn at random, over one connection."""
        chosen = random.Random(size)
        times = []
        with cities.Reads(self.second.socket) as reads:
            for _ in range(2000):
                seq = chosen.randint(1, size)
                times.append(reads.get(f"/v1/records/{NETWORK}/first/doc/{seq}"))
        times.sort()
        found["read_p50_ms"] = times[len(times) // 2]
        found["read_p99_ms"] = times[len(times) * 99 // 100]

    def reconnect(self, found):
        starts, wire, links = [], [], []
        for _ in range(5):
            self.second.stop()
            starts.append(self.second.start() * 1000)
            began = time.monotonic()
            cities.wait(lambda: self.second.peer(self.first), "the link")
            links.append((time.monotonic() - began) * 1000 + starts[-1])
            time.sleep(0.5) # so that whatever else is told at the beginning is counted
            peer = self.second.peer(self.first)
            wire.append(peer["sent_bytes"] + peer["received_bytes"])
        found["start_ms"] = statistics.median(starts)
        found["reconnect_ms"] = statistics.median(links)
        found["reconnect_bytes"] = max(wire)

    def ratios(self):
        """What may not change with the size; the goals of the design."""
        row, found, last = self.bench.row, self.found, self.sizes[-1]
        base = 100_000 if 100_000 in found else self.sizes[0]
        each = found.values()
        row("growth_catch_up_records_per_s_largest", found[last]["catch_up_records_per_s"],
            0.8 * found[base]["catch_up_records_per_s"])
        row("growth_start_ms_most", max(one["start_ms"] for one in each), START_MS_MAX,
            less=True)
        row("growth_reconnect_bytes_most", max(one["reconnect_bytes"] for one in each),
            RECONNECT_BYTES_MAX, less=True)
        row("growth_reconnect_ms_largest", found[last]["reconnect_ms"],
            1.25 * found[self.sizes[0]]["reconnect_ms"], less=True)
        row("growth_anon_peak_mib_most", max(one["anon_peak_mib"] for one in each),
            MEMORY_MIB_MAX, less=True)
