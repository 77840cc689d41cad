#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A city that has joined and is not confirmed yet sees what is published from then on; with the
confirmation it gets all the rest, attachments too.
"""
import sys

from harness import CITIES, City, Federation, NETWORK, Workspace, alert, document, wait_until

OLD = 30


def titles(city):
    return {record["title"] for record in city.records("doc")}


def publish(city, name, count=1):
    for i in range(count):
        answer = city.post(document(f"{name} {i}"))
        assert answer.status == 201, answer.body


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        budapest, bratislava = federation.cities
        publish(budapest, "old", OLD)
        publish(bratislava, "old of bratislava")
        answer = budapest.post(alert("old-alert"))
        assert answer.status == 201, answer.body
        federation.wait_agree()

        prague = City(space, *CITIES[2])
        prague.init()
        prague.start()
        prague.hansa("join", federation.invite(prague))
        assert not prague.member("prague")["confirmed"]
        federation.cities.append(prague)
        wait_until(federation.linked, 30, "prague has its links")

        publish(budapest, "new", 3)
        answer = budapest.post(alert("new-alert"))
        assert answer.status == 201, answer.body
        new = {f"new {i}" for i in range(3)}
        wait_until(lambda: new <= titles(prague), 20, "what is published now is listed at prague")
        wait_until(lambda: len(prague.records("alert")) == 1, 20, "and the alert")
        assert titles(prague) == new, titles(prague)
        assert prague.record(f"{NETWORK}/budapest/doc/1").status == 404
        assert prague.record(f"{NETWORK}/budapest/doc/{OLD + 1}").status == 200
        assert prague.raw(f"{NETWORK}/budapest/doc/1") is None
        holders = budapest.json("explain", f"{NETWORK}/budapest/doc/1")["holders"]
        assert "prague" not in holders, holders
        prague.restart()
        wait_until(federation.linked, 30, "prague has its links again")
        assert titles(prague) == new, titles(prague)
        print(f"before the confirmation: {sorted(titles(prague))}")

        federation.confirm(prague)
        wait_until(lambda: titles(prague) == titles(budapest), 30, "all documents are at prague")
        wait_until(lambda: len(prague.records("alert")) == 2, 20, "and the old alert")
        federation.wait_agree()
        wrong = federation.mismatches()
        assert not wrong, wrong
        assert len(titles(prague)) == OLD + 4
        print(f"after it: {len(titles(prague))} documents, byte for byte")
        publish(prague, "of prague")
        federation.wait_agree()


if __name__ == "__main__":
    sys.exit(main())
