#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A record is answered only after it is durable: SIGKILL at random moments, on either side.

While documents and alerts are published one after another, one of the two daemons is killed again
and again. After each restart: every acknowledged record is there under its id, byte for byte as
hashed, no seq was given out twice, and both cities agree in the end. The seed is printed;
HANSA_SEED replays its choices (the moments themselves are the machine's).
"""
import http.client
import os
import random
import sys
import threading

from harness import CITIES, Federation, Workspace, alert, compare, document, wait_until

KILLS = int(os.environ.get("HANSA_KILLS", "100"))
NETWORK_PATH = "/v1/networks/pact/records"


class Publisher(threading.Thread):
    """Publishes without end; keeps what was acknowledged."""

    def __init__(self, city, seed):
        super().__init__(daemon=True)
        self.city = city
        self.random = random.Random(seed)
        self.acknowledged = {}  # id: (hash, title)
        self.twice, self.wrong = [], []
        self.stop = threading.Event()
        self.count = 0

    def run(self):
        while not self.stop.is_set():
            self.count += 1
            title = f"record-{self.count}-of-{id(self)}"
            record = alert(title) if self.random.random() < 0.6 else \
                document(title, "x" * self.random.randrange(1, 3000))
            try:
                answer = self.city.post(record)
            except (OSError, http.client.HTTPException):
                continue  # the daemon was killed: this one may or may not be there
            if answer.status == 422:
                self.wrong.append(answer.json())
            if answer.status != 201:
                continue  # stopping, or taking its feed back: refused, so not acknowledged
            got = answer.json()
            if got["id"] in self.acknowledged:
                self.twice.append(got["id"])
            self.acknowledged[got["id"]] = (got["hash"], title)


def check(city, publisher, upto):
    """All that was acknowledged when this began is there, under its id, with its hash and title."""
    lost = []
    connection = city.connection()
    for record_id, (digest, title) in list(publisher.acknowledged.items())[-upto:]:
        answer = city.http("GET", "/v1/records/" + record_id, connection=connection)
        record = answer.json() if answer.status == 200 else {}
        body = record.get("body", {})
        if record.get("hash") != digest or title not in (body.get("title"), body.get("identifier")):
            lost.append(record_id)
    connection.close()
    return lost


def main():
    seed = int(os.environ.get("HANSA_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}, {KILLS} kills")
    choice = random.Random(seed)
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        publishing, receiving = federation.cities
        publisher = Publisher(publishing, seed)
        publisher.start()
        for kill in range(KILLS):
            before = len(publisher.acknowledged)
            more = choice.randrange(1, 8)
            wait_until(lambda: len(publisher.acknowledged) >= before + more, 30,
                       "publishing goes on")
            victim = publishing if choice.random() < 0.6 else receiving
            victim.kill()
            victim.start()
            lost = check(publishing, publisher, 40)
            assert not lost, f"kill {kill}: acknowledged and lost: {lost}"
        publisher.stop.set()
        publisher.join(60)
        assert not publisher.wrong, f"no record at all: {publisher.wrong[0]}"
        assert not publisher.twice, f"a seq was given out twice: {publisher.twice}"
        lost = check(publishing, publisher, len(publisher.acknowledged))
        assert not lost, f"acknowledged and lost: {lost}"
        federation.wait_agree(60)
        wrong = compare(federation.cities)
        assert not wrong, wrong
        seq = publishing.seq(publishing, "doc") + publishing.seq(publishing, "alert")
        assert seq >= len(publisher.acknowledged), "fewer entries than answers"
        noted = sum(city.log().count(" alert_from_note ") for city in federation.cities)
        assert noted > 0 or KILLS < 100, "no kill came between a note and its commit"
        print(f"{KILLS} kills: {len(publisher.acknowledged)} acknowledged, {seq} entries, "
              f"none lost, {noted} alerts came from the note beside the keys")


if __name__ == "__main__":
    sys.exit(main())
