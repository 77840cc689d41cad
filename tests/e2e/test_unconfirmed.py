#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A city that has joined and is not confirmed yet sees what is published from then on; with the
confirmation it gets all the rest, attachments too.
"""
import sys

from harness import (CITIES, City, Events, Federation, NETWORK, Workspace, alert, document,
                     record_path, wait_until)

OLD = 30


def titles(city):
    return {record["title"] for record in city.records("doc")}


def publish(city, name, count=1):
    for i in range(count):
        answer = city.post(document(f"{name} {i}"))
        assert answer.status == 201, answer.body


def attach(city, title, data):
    """A document with a file; what City.attachment asks for."""
    file = city.upload(data)
    answer = city.post({**document(title), "attachments": [{"id": file["id"], "name": "a.bin"}]})
    assert answer.status == 201, answer.body
    return answer.json()["id"], file["id"]


def hidden(city, joiner):
    """An alert of the unconfirmed city is stored at the others and shown to nobody there."""
    answer = joiner.post(alert("its-own-alert"))
    assert answer.status == 201, answer.body
    record_id = answer.json()["id"]
    events = Events(city, "0")
    wait_until(lambda: city.seq(joiner, "alert") == 1, 20, "its alert is stored")
    publish(city, "after it")
    after = f"{NETWORK}/{city.slug}/doc/{city.seq(city, 'doc')}"
    wait_until(lambda: events.find(lambda _, data: after in str(data)), 10, "what follows is told")
    assert not events.find(lambda _, data: record_id in str(data))
    events.close()
    assert "its-own-alert" not in {r["title"] for r in city.records("alert")}
    for query in ("", "?raw=1"):
        assert city.http("GET", record_path(record_id) + query).status == 404, query
    for command in (["show"], ["explain"], ["verify"], ["export", "--as", "cap"]):
        done = city.command("--socket", city.socket, *command, record_id)
        assert done.returncode == 1 and "its-own-alert" not in done.stdout, (command, done.stdout)
    assert joiner.record(record_id).status == 200  # it sees its own


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        budapest, bratislava = federation.cities
        publish(budapest, "old", OLD)
        publish(bratislava, "old of bratislava")
        files = [attach(budapest, "old with a file", b"old" * 200000)]
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
        files.append(attach(bratislava, "new with a file", b"new" * 200000))
        new = {f"new {i}" for i in range(3)} | {"new with a file"}
        wait_until(lambda: new <= titles(prague), 20, "what is published now is listed at prague")
        wait_until(lambda: len(prague.records("alert")) == 1, 20, "and the alert")
        assert titles(prague) == new, titles(prague)
        wait_until(lambda: prague.attachment(*files[1]), 20, "and the new file")
        assert not prague.attachment(*files[0])
        assert prague.record(f"{NETWORK}/budapest/doc/1").status == 404
        assert prague.record(f"{NETWORK}/budapest/doc/{OLD + 2}").status == 200
        assert prague.raw(f"{NETWORK}/budapest/doc/1") is None
        holders = budapest.json("explain", f"{NETWORK}/budapest/doc/1")["holders"]
        assert "prague" not in holders, holders
        hidden(budapest, prague)
        prague.restart()
        wait_until(federation.linked, 30, "prague has its links again")
        new |= {"after it 0"}
        wait_until(lambda: titles(prague) == new, 10, "prague is as it was before its restart")
        print(f"before the confirmation: {sorted(titles(prague))}")

        federation.confirm(prague)
        wait_until(lambda: titles(prague) == titles(budapest), 30, "all documents are at prague")
        wait_until(lambda: len(prague.records("alert")) == 3, 20, "and the old alert")
        assert "its-own-alert" in {r["title"] for r in budapest.records("alert")}
        federation.wait_agree()
        wait_until(lambda: prague.attachment(*files[0]), 30, "and the old file")
        wrong = federation.mismatches()
        assert not wrong, wrong
        assert len(titles(prague)) == OLD + 7
        print(f"after it: {len(titles(prague))} documents, byte for byte")
        publish(prague, "of prague")
        federation.wait_agree()


if __name__ == "__main__":
    sys.exit(main())
