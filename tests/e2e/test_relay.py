#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A relay that lies: real daemons, real TLS, and in the middle one that alters what it passes on.

budapest publishes; bratislava is hansad-liar; prague never meets budapest, and gets everything
through bratislava or warsaw. For each lie: prague names bratislava and the rule that it broke,
keeps nothing altered, and has all of it, intact, through warsaw. A relay that keeps things back is
left for warsaw within a bound. warsaw is stopped (SIGSTOP) while bratislava shall be alone.
"""
import base64
import json
import os
import random
import signal
import sys
import time

from harness import BUILD, CITIES, Federation, Workspace, alert, compare, document, wait_until

LIAR = BUILD / "tests" / "e2e" / "hansad-liar"
DOCUMENTS = 40
CAUGHT_S = 15  # the liar's own back-off when it dials again is the longest part
WITHHELD_S = 25

# What the relay does, what is published, and the rule by which it is caught; None: its run is
# refused and the link goes on, since an honest peer might have purged what is not known here.
ALTERED = [
    ("body", "docs", "chain"),
    ("body", "large", "chain"),
    ("body", "alerts", "chain"),
    ("header", "docs", "chain"),
    ("header", "alerts", "chain"),
    ("order", "docs", "chain"),
    ("order", "alerts", "chain"),
    ("signature", "docs", "signature"),
    ("signature", "alerts", "signature"),
    ("drop-entry", "docs", "chain"),
    ("drop-first", "large", "chain"),
    ("drop-run", "runs", "chain"),
    ("epoch", "docs", "signature"),
    ("prev", "alerts", "chain"),
    ("chunk", "file", "attachment"),
    ("chunk-list", "file", "attachment"),
    ("purge", "docs", None),
    ("purge", "alerts", None),
]
# It gives nothing, or lies about what it has.
WITHHELD = [
    ("later", "docs"),
    ("silent", "file"),
    ("chunk-silent", "file"),
    ("trickle", "large"),
    ("digest", "docs"),
    ("promise", "alerts"),
]


class World:
    def __init__(self, space):
        self.federation = Federation(space, CITIES)
        self.author, self.liar, self.reader, self.honest = self.federation.cities
        self.federation.cut(self.author, self.reader)
        self.liar.program = LIAR
        self.number = 0

    def lie(self, name):
        """bratislava is started anew, with this lie."""
        self.liar.kill()
        self.reader.hansa("peers", "--allow", self.liar.slug)  # forgives what it did before
        self.liar.variables = {"HANSA_TEST_LIE": name}
        self.liar.start()
        for city in (self.author, self.reader):
            wait_until(lambda: self.liar.linked(city) and city.linked(self.liar), 30,
                       f"the relay is linked with {city.slug}")

    def pause(self):
        os.kill(self.honest.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.honest.process.pid, signal.SIGCONT)

    def publish(self, what):
        """By budapest; the lane."""
        self.number += 1
        name = f"{what}-{self.number}"
        if what == "alerts":
            for i in range(3):
                answer = self.author.post(alert(f"{name}-{i}"))
                assert answer.status == 201, answer.body
            return "alert"
        if what == "file":
            data = bytes((self.number + i * 13 + i // 251) % 256 for i in range(700_000))
            stored = self.author.upload(data)
            given = [{"id": stored["id"], "name": "plan.pdf", "media_type": "application/pdf"}]
            answer = self.author.post({**document(name), "attachments": given})
            assert answer.status == 201, answer.body
            return "doc"
        # Random, so that a run is not compressed into one frame.
        large = base64.b64encode(random.Random(self.number).randbytes(5600)).decode()
        count, text = {"docs": (DOCUMENTS, "A text."), "large": (DOCUMENTS, large),
                       "runs": (1200, "A text.")}[what]
        lines = "\n".join(json.dumps(document(f"{name} {i}", text)) for i in range(count))
        answer = self.author.http("POST", "/v1/networks/pact/records", lines,
                                  "application/x-ndjson")
        assert answer.status == 200 and answer.body.count(b'"id"') == count, answer.body[:300]
        return "doc"

    def whole(self):
        """prague has all that budapest published, the files too."""
        if any(self.reader.seq(self.author, lane) != self.author.seq(self.author, lane)
               for lane in ("doc", "alert")):
            return False
        newest = self.author.seq(self.author, "doc")
        record = self.reader.record(f"pact/{self.author.slug}/doc/{newest}")
        return record.status != 200 or all(a["held"] for a in record.json()["attachments"])


def caught(world, lie, what, rule):
    author, liar, reader = world.author, world.liar, world.reader
    world.lie(lie)
    world.pause()
    before = {lane: reader.seq(author, lane) for lane in ("doc", "alert")}
    reader_log, liar_log = reader.log_size(), liar.log_size()
    lane = world.publish(what)

    def named():
        event = " peer_breach " if rule else " run_refused "
        return next((line for line in reader.log_since(reader_log).splitlines()
                     if event in line), None)
    line = wait_until(named, CAUGHT_S, f"{lie}, {what}: prague catches the relay")
    assert f"city={liar.slug} " in line, line
    assert (f"rule={rule} " if rule else "left out as purged") in line, line
    assert f"lie={lie}" in liar.log_since(liar_log), "no lie was told"
    now = reader.seq(author, lane)
    assert before[lane] <= now, "records went missing"
    if what not in ("runs", "file"):
        assert now < author.seq(author, lane), "an altered record was kept"
    world.go_on()
    wait_until(world.whole, 30, f"{lie}, {what}: all is at prague through warsaw")
    for line in reader.log_since(reader_log).splitlines():
        if " peer_breach " in line or " run_refused " in line:
            assert f"city={liar.slug} " in line, f"another is blamed: {line}"


def withheld(world, lie, what):
    world.lie(lie)
    world.pause()
    log = world.liar.log_size()
    world.publish(what)
    wait_until(lambda: f"lie={lie}" in world.liar.log_since(log), CAUGHT_S,
               f"{lie}, {what}: the relay is asked first")
    begin = time.monotonic()
    world.go_on()
    wait_until(world.whole, WITHHELD_S, f"{lie}, {what}: all is at prague through warsaw")
    print(f"withheld: {lie}, {what}: whole after {time.monotonic() - begin:.1f} s", flush=True)


def main():
    with Workspace() as space:
        world = World(space)
        begin = time.monotonic()
        for lie, what, rule in ALTERED:
            caught(world, lie, what, rule)
            print(f"caught: {lie}, {what}: {rule or 'refused'}, {time.monotonic() - begin:.1f} s",
                  flush=True)
        for lie, what in WITHHELD:
            withheld(world, lie, what)
        # The honest one was let go on a moment ago, and may be the last to have all.
        wait_until(lambda: world.honest.feeds() == world.author.feeds(), 30,
                   "warsaw has all that budapest published")
        wrong = compare([world.author, world.reader, world.honest])
        assert not wrong, wrong
        assert not world.reader.linked(world.author)
        print(f"{sum(seq for seq, _ in world.reader.feeds().values())} records intact, "
              f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
