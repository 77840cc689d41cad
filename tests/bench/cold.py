# SPDX-License-Identifier: Apache-2.0
"""Serving an archive that is not in memory, and what waits for that.

Two cities are started with nothing of their stores in the page cache, and, where this process may
make a memory cgroup, with less memory for both than an archive takes: so every page that they serve
is read from the disk. A new city takes the whole archive, from either, while alerts go from the
first to the second.
"""
import os
import subprocess
import threading

import city as cities

MIB = 1 << 20
CGROUPS = "/sys/fs/cgroup/memory"
MEMORY_MIN = 192 * MIB # for what is not archive


class Cold:
    def __init__(self, growth, network):
        self.growth = growth
        self.network = network
        self.bench = growth.bench

    def run(self, size, found):
        first, second = self.growth.first, self.growth.second
        first.stop()
        second.stop()
        second.drop_cache()
        found["start_cold_ms"] = second.start() * 1000
        second.stop()
        second.drop_cache()
        first.drop_cache()
        with Limit(max(MEMORY_MIN, first.store_bytes() // 8)) as limit:
            for city in (first, second):
                city.start()
                limit.hold(city.process.pid)
            cities.wait(lambda: second.peer(first), "the link")
            third, token = self.growth.join()
            before = self.disk()
            took, told, answers = self.serve(third, token, size)
            found["cold_catch_up_records_per_s"] = size / took
            found["cold_alert_p50_ms"] = told["told_p50_ms"]
            found["cold_alert_p99_ms"] = told["told_p99_ms"]
            row = self.bench.row
            row(f"growth_{size}_cold_memory_limit_mib", limit.bytes / MIB if limit.made else None)
            after = self.disk()
            row(f"growth_{size}_cold_disk_read_mib", (after["bytes"] - before["bytes"]) / MIB)
            for name in ("loop", "writer", "reader"):
                row(f"growth_{size}_cold_faults_{name}", after[name] - before[name])
            row(f"growth_{size}_cold_alerts", told["alerts"])
            row(f"growth_{size}_cold_two_commits_p99_ms", told["two_commits_p99_ms"])
            row(f"growth_{size}_cold_alert_p50_ms", told["told_p50_ms"])
            row(f"growth_{size}_cold_alert_p99_ms", told["told_p99_ms"],
                2 * told["two_commits_p99_ms"], less=True)
            row(f"growth_{size}_cold_loop_answers_p99_ms", answers.percentile(0.99))
            row(f"growth_{size}_cold_loop_answers_max_ms", answers.percentile(1))
            self.growth.forget(third)
            first.stop()
            second.stop()
        first.start()
        second.start()
        cities.wait(lambda: second.peer(first), "the link")

    def disk(self):
        """Bytes read, and faults of each thread, of both cities since their starts."""
        found = {"bytes": 0}
        for city in (self.growth.first, self.growth.second):
            found["bytes"] += city.disk_bytes()
            for name, faults in cities.threads_faults(city.process.pid).items():
                found[name] = found.get(name, 0) + faults
        return found

    def serve(self, third, token, size):
        """Seconds of the catch-up; what the alert probe and the loop's answers took meanwhile."""
        first, second = self.growth.first, self.growth.second
        probe = subprocess.Popen(
            [os.path.join(self.bench.programs, "tests/bench/bench_alert"), first.socket,
             second.socket, self.network, "100000", "2", self.bench.root],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        probe.stdout.readline()
        with Answers(first) as answers:
            took = self.growth.take_all(third, token, size)
        output, _ = probe.communicate(timeout=60)
        if probe.returncode != 0:
            raise RuntimeError("the alert probe failed")
        return took, cities.values_of(output), answers


class Limit:
    """A memory cgroup (v1) for one process, if this one may make it; pages that it reads from then
    on count in it."""

    def __init__(self, size):
        self.bytes = size
        self.path = f"{CGROUPS}/hansa-bench-{os.getpid()}"
        self.made = False

    def __enter__(self):
        try:
            os.mkdir(self.path)
            self.made = True
            self.write("memory.limit_in_bytes", self.bytes)
        except OSError:
            self.remove()
        return self

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def hold(self, pid):
        if self.made:
            self.write("cgroup.procs", pid)

    def remove(self):
        if self.made:
            self.made = False
            os.rmdir(self.path)

    def __exit__(self, *error):
        try:
            self.remove()
        except OSError:
            pass # the process still ends; an empty group does no harm


class Answers:
    """How long the daemon's loop takes to answer what needs nothing but the loop, each 2 ms."""

    def __init__(self, city):
        self.city = city
        self.times = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.ask, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.thread.join()

    def ask(self):
        with cities.Reads(self.city.socket) as reads:
            while not self.ended.wait(0.002):
                self.times.append(reads.get("/healthz"))

    def percentile(self, part):
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
