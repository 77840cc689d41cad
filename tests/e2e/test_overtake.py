#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An alert that is published while attachments move over the same link arrives before them.

240 MiB in files of 30 MiB, 1 GiB with HANSA_FULL=1: once over a link as fast as it goes, once over
one of 40 MiB/s, which is the bottleneck then. They are published while the link is cut, and go as
it comes back. The content is random, and each file is compared at the end by its SHA-256.
"""
import hashlib
import os
import shutil
import signal
import statistics
import sys
import time

from harness import CITIES, Events, Federation, Relay, Workspace, alert, document, wait_until

MIB = 1 << 20
FILE_BYTES = 30 * MIB
FETCH_MAX = "31 MiB"
LARGE_BYTES = 31 * MIB + 1
FILES = 35 if os.environ.get("HANSA_FULL") == "1" else 8
FILES_PACED = 8
PACE = 40 * MIB  # bytes a second
ALERTS = 200  # at most
BOUND_S = 240


def prepare(city):
    text = city.config.read_text(encoding="utf-8")
    assert "fetch_max: 32 MiB" in text
    city.config.write_text(text.replace("fetch_max: 32 MiB", f"fetch_max: {FETCH_MAX}"),
                           encoding="utf-8")


class Overtaking:
    """Two cities; what was published, and what is on its way."""

    def __init__(self, space):
        self.federation = Federation(space, CITIES[:2], prepare=prepare)
        self.author, self.reader = self.federation.cities
        self.alerts = 0

    def publish_file(self, size=FILE_BYTES):
        """A document with a file of random bytes: {record, id, size, sha256}."""
        data = os.urandom(size)
        stored = self.author.upload(data)
        answer = self.author.post({**document("A plan"), "attachments": [
            {"id": stored["id"], "name": "plan.bin"}]})
        assert answer.status == 201, answer.body
        return {"record": answer.json()["id"], "id": stored["id"], "size": size,
                "sha256": hashlib.sha256(data).hexdigest()}

    def publish_alert(self):
        self.alerts += 1
        answer = self.author.post(alert(f"exercise-{self.alerts}"))
        assert answer.status == 201, answer.body
        return answer.json()["id"]

    def received(self):
        return sum(peer["received_bytes"] for peer in self.reader.status()["peers"])

    def run(self, count):
        """Files published while the link is cut, alerts while they move. A dict of what was seen.
        """
        Federation.cut(self.author, self.reader)
        files = [self.publish_file() for _ in range(count)]
        events = Events(self.reader)

        def complete():
            return sum(name == "attachment" for _, name, _ in list(events.seen))

        Federation.mend(self.author, self.reader)
        begun = time.monotonic()
        wait_until(lambda: self.received() > 4 * MIB or complete(), BOUND_S,
                   "attachments are on their way")
        latencies, missing, between = [], [], []
        while complete() < count and len(latencies) < ALERTS:
            before, start = complete(), time.monotonic()
            record_id = self.publish_alert()
            seen = wait_until(
                lambda r=record_id: events.find(lambda n, d: n == "entry" and d.get("id") == r),
                BOUND_S, f"{record_id} at {self.reader.slug}")
            ahead = sum(name == "attachment" for _, name, _ in
                        events.seen[:events.seen.index(seen)])
            latencies.append(seen[0] - start)
            missing.append(count - ahead)
            between.append(ahead - before)
        wait_until(lambda: complete() >= count, BOUND_S, "all attachments arrive")
        ended = max(at for at, name, _ in events.seen if name == "attachment")
        events.close()
        assert {d["id"] for _, name, d in events.seen if name == "attachment"} == {
            f["id"] for f in files}
        self.federation.wait_agree()
        for one in files:
            self.check(one)
        return {"latencies": latencies, "missing": missing, "between": between, "count": count,
                "rate": count * FILE_BYTES / MIB / (ended - begun)}

    def check(self, one):
        data = wait_until(lambda: self.reader.attachment(one["record"], one["id"]), BOUND_S,
                          f"the file of {one['record']}")
        assert len(data) == one["size"], f"{one['record']}: {len(data)} bytes"
        assert hashlib.sha256(data).hexdigest() == one["sha256"], f"{one['record']} differs"

    def pace(self, space):
        """From now on both cities are dialled through relays."""
        for city, other in ((self.author, self.reader), (self.reader, self.author)):
            relay = Relay(space, city.address())
            relay.limit = PACE
            city.configure(f"advertise:\n  - {relay.address}")
            city.process.send_signal(signal.SIGHUP)
            wait_until(
                lambda c=city, o=other, r=relay: o.member(c.slug)["addresses"] == [r.address], 30,
                f"{other.slug} has the new address of {city.slug}")


def report(name, seen):
    first, median, longest = (
        1000 * x for x in (seen["latencies"][0], statistics.median(seen["latencies"]),
                           max(seen["latencies"])))
    print(f"{name}: {seen['count'] * FILE_BYTES // MIB} MiB at {seen['rate']:.0f} MiB/s; the first "
          f"alert came while {seen['missing'][0]} of {seen['count']} files were missing; "
          f"{len(seen['latencies'])} alerts: first {first:.1f} ms, median {median:.1f} ms, longest "
          f"{longest:.1f} ms")


def main():
    with Workspace() as space:
        need = 3 * ((FILES + FILES_PACED) * FILE_BYTES + LARGE_BYTES)
        if shutil.disk_usage(space.path).free < need:
            print(f"skipped: {space.path} has less than {need // MIB} MiB free")
            sys.exit(77)
        test = Overtaking(space)
        # What is larger than attachments.fetch_max does not come; asked for, it does.
        large = test.publish_file(LARGE_BYTES)
        fast = test.run(FILES)
        report("as fast as it goes", fast)
        assert fast["missing"][0] * 2 > fast["count"], "the first alert came behind attachments"
        held = test.reader.record(large["record"]).json()["attachments"][0]["held"]
        assert not held, "more than attachments.fetch_max was fetched by itself"
        test.check(large)

        test.pace(space)
        paced = test.run(FILES_PACED)
        report("over a slow link", paced)
        assert paced["missing"][0] * 2 > paced["count"], "the first alert came behind attachments"
        # An alert that waited for the files that are under way would always see one complete.
        overtook = sum(one == 0 for one in paced["between"])
        assert overtook * 2 > len(paced["between"]), (
            f"{overtook} of {len(paced['between'])} alerts overtook what was under way")
        # 4/3: what the link holds back at first comes at once.
        assert paced["rate"] < PACE / MIB * 4 / 3, "the link was not paced: it says nothing"


if __name__ == "__main__":
    main()
