# SPDX-License-Identifier: Apache-2.0
"""Many links at one city: memory, CPU, alerts, and all of them coming back at once."""
import glob
import os
import select
import subprocess
import time

import city as cities

NETWORK = "links"
LIVE_S_MAX = 120
KIB = 1 << 10
MIB = 1 << 20


class Members:
    """bench_links: many members that each hold one link to the hub."""

    def __init__(self, programs, address, count):
        self.process = subprocess.Popen(
            [os.path.join(programs, "tests/bench/bench_links"), address, str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def say(self, line):
        self.process.stdin.write((line + "\n").encode())

    def live(self):
        """Seconds until all were live, as the members saw it, and how often they had to dial."""
        if not select.select([self.process.stdout], [], [], LIVE_S_MAX)[0]:
            raise RuntimeError(f"links: not all were live within {LIVE_S_MAX} s")
        words = self.process.stdout.readline().split()
        if len(words) != 4:
            raise RuntimeError("links: the members' program failed")
        return float(words[2]), int(words[3])

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Links:
    def __init__(self, bench):
        self.bench = bench
        quick = bench.options.quick
        self.counts = [10, 100] if quick else [1, 10, 100, 1000]
        self.most = self.counts[-1]
        self.alerts = 10 if quick else 60
        # Longer than LIMIT_PING_AFTER_MS, so that each link's pings are in it; not in a quick run.
        self.idle_s = 4 if quick else 46

    def run(self):
        self.hub = self.bench.new_city("hub")
        self.spoke = self.bench.new_city("spoke")
        self.hub.hansa("network", "create", "--name", "Links", "--slug", NETWORK)
        key = glob.glob(os.path.join(self.bench.root, ".config/hansa/officers",
                                     NETWORK + "-*.key"))[0]
        self.bench.program("bench_members", self.hub.socket, NETWORK, key, self.most)
        token = self.hub.hansa("invite", "--network", NETWORK, "--city", "spoke", "--key",
                               self.spoke.fingerprint, text=True).strip()
        self.spoke.hansa("join", token)
        self.linked()
        self.members = Members(self.bench.programs, self.hub.status()["listen"][0], self.most)
        try:
            with cities.Usage(self.hub) as usage:
                self.grow()
                self.idle()
                self.storm()
            self.bench.row(f"links_{self.most}_anon_peak_mib",
                           usage.peak_mib()[self.hub.slug], 64, less=True)
            self.restart()
        finally:
            self.members.close()

    def linked(self):
        began = time.monotonic()
        while not self.spoke.peer(self.hub):
            if time.monotonic() - began > LIVE_S_MAX:
                raise RuntimeError("links: the two cities have no link")
            time.sleep(0.002)

    def memory(self):
        return cities.anonymous_bytes(self.hub.process.pid, precise=True)

    def grow(self):
        """More and more links; what one takes, and an alert between two cities beside them."""
        before = self.memory()
        for count in self.counts:
            self.members.say(f"links {count}")
            self.members.live()
            if count >= 10: # of one link a page or two are all that could be seen
                self.bench.row(f"links_{count}_anon_kib_each",
                               (self.memory() - before) / KIB / count, 32, less=True)
            found = self.bench.program("bench_alert", self.hub.socket, self.spoke.socket, NETWORK,
                                       self.alerts, 100)
            self.bench.row(f"links_{count}_alert_p50_ms", found["told_p50_ms"])
            self.bench.row(f"links_{count}_alert_p99_ms", found["told_p99_ms"])

    def idle(self):
        before = cities.cpu_seconds(self.hub.process.pid)
        time.sleep(self.idle_s)
        used = cities.cpu_seconds(self.hub.process.pid) - before
        self.bench.row(f"links_{self.most}_idle_cpu_percent", used / self.idle_s * 100, 0.5,
                       less=True)

    def during(self, name, begin):
        """Alerts between the two cities until the members are all live again."""
        probe = subprocess.Popen(
            [os.path.join(self.bench.programs, "tests/bench/bench_alert"), self.hub.socket,
             self.spoke.socket, NETWORK, "100000", "5"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        probe.stdout.readline()
        before = cities.cpu_seconds(self.hub.process.pid)
        began = time.monotonic()
        if begin:
            self.members.say(begin)
        _, dials = self.members.live()
        took = time.monotonic() - began
        used = cities.cpu_seconds(self.hub.process.pid) - before
        output, _ = probe.communicate(timeout=60)
        if probe.returncode != 0:
            raise RuntimeError("links: the alert probe failed")
        found = dict(line.split() for line in output.splitlines())
        self.bench.row(f"{name}_live_s", took)
        self.bench.row(f"{name}_dials_each", dials / self.most)
        self.bench.row(f"{name}_cpu_ms_each", used * 1000 / self.most)
        self.bench.row(f"{name}_alerts", float(found["alerts"]))
        self.bench.row(f"{name}_alert_p50_ms", float(found["told_p50_ms"]))
        self.bench.row(f"{name}_alert_p99_ms", float(found["told_p99_ms"]))

    def storm(self):
        """All links are lost at once and dialled again; that of the two cities stays."""
        self.during("links_storm", "storm")

    def restart(self):
        """The same after a restart: the second city is one among them."""
        self.hub.stop()
        self.hub.start()
        began = time.monotonic()
        self.linked()
        self.bench.row("links_restart_city_live_s", time.monotonic() - began)
        self.during("links_restart", None)
