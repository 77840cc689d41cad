#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people do with the command and what their files turn out to be, at two running cities.

The second city stands in the network under another short name than in its own configuration, as
happens where two members have the same name.
"""
import json
import os
import socket
import stat
import subprocess
import sys

from harness import CITIES, HANSA, City, Federation, Workspace, alert, wait_until

NAME = "bratislava-2"


class Pair:
    """Budapest, and Bratislava as bratislava-2."""

    def __init__(self, space):
        self.space = space
        self.federation = Federation(space, CITIES[:1])
        self.budapest = self.federation.founder
        self.bratislava = City(space, *CITIES[1]).init().start()
        token = self.budapest.hansa("invite", "--network", "pact", "--city", NAME).strip()
        self.bratislava.hansa("join", token)
        self.budapest.hansa("confirm", NAME, "--fingerprint", self.bratislava.fingerprint)
        wait_until(lambda: self.budapest.peers().get(NAME) == "live", 20, "a link")

    def folder(self, name, files):
        folder = self.space.path / name
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder


def import_under_another_name(pair):
    folder = pair.folder("names", {"a.md": "# A\n\nText.\n", "b.md": "# B\n\nText.\n"})
    for accepted, present in ((2, 0), (0, 2)):
        report = pair.bratislava.json("import", folder, "--network", "pact")
        assert (report["accepted"], report["present"]) == (accepted, present), report
    assert pair.bratislava.seq(NAME, "doc") == 2


def cap(identifier, kind="Alert", references=(), sent="2026-03-01T10:00:00+01:00"):
    named = " ".join(f"office@city.example,{name},2026-03-01T09:00:00+00:00" for name in references)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>office@city.example</sender><sent>{sent}</sent><status>Actual</status>
<msgType>{kind}</msgType><scope>Public</scope>{named and f"<references>{named}</references>"}
<info><category>Met</category><event>Flood</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><headline>{identifier}</headline></info>
</alert>"""


def followers(city):
    """{headline: type of what follows it} of the pair's network, and the headlines of --open."""
    every = {r["title"]: r.get("followed_by", {}).get("msgType") for r in city.records("alert")}
    return every, {r["title"] for r in city.json("list", "alert", "--open")["records"]}


def update_and_cancel(pair):
    """At the publisher and at the reader; in one batch, one by one, and of a copy sent twice."""
    pair.folder("acts", {
        "1.xml": cap("rain"), "2.xml": cap("rain-2", "Update", ["rain"]),
        "3.xml": cap("wind"), "4.xml": cap("wind-2", "Update", ["wind"]),
        "5.xml": cap("wind-3", "Cancel", ["wind", "wind-2", "elsewhere"]),
        "6.xml": cap("snow"), "7.xml": cap("snow-2", "Ack", ["snow"])})
    pair.budapest.json("import", pair.space.path / "acts", "--network", "pact")
    expected = {"rain": "Update", "rain-2": None, "wind": "Cancel", "wind-2": "Cancel",
                "wind-3": None, "snow": None, "snow-2": None}
    for city in (pair.budapest, pair.bratislava):
        wait_until(lambda c=city: c.seq("budapest", "alert") == 7, 20, "the alerts are there")
        assert followers(city) == (expected, {"rain-2", "wind-3", "snow", "snow-2"})
    # Another city's Cancel stands beside it, and changes nothing.
    pair.folder("later", {"foreign.xml": cap("x", "Cancel", ["snow"]), "copy.xml": cap("snow"),
                          "own.xml": cap("snow-3", "Cancel", ["snow"])})
    later = pair.space.path / "later"
    pair.bratislava.publish("alert", later / "foreign.xml")
    pair.budapest.publish("alert", later / "copy.xml")
    wait_until(lambda: pair.bratislava.seq("budapest", "alert") == 8, 20, "the copy is there")
    wait_until(lambda: pair.budapest.seq(NAME, "alert") == 1, 20, "the foreign one is there")
    for city in (pair.budapest, pair.bratislava):
        assert followers(city)[0]["snow"] is None
    last = pair.budapest.publish("alert", later / "own.xml")
    wait_until(lambda: pair.bratislava.seq("budapest", "alert") == 9, 20, "the last is there")
    for city in (pair.budapest, pair.bratislava):
        for seq in (6, 8):
            shown = city.json("show", f"pact/budapest/alert/{seq}")
            assert shown["followed_by"] == {"id": last["id"], "msgType": "Cancel"}, shown
        assert city.hansa("show", "pact/budapest/alert/6").startswith(f"CANCELLED by {last['id']}.")
        table = city.hansa("list", "alert", "--city", "budapest")
        assert [line.split()[-1] for line in table.splitlines()[1:]].count("cancelled") == 4, table
        # A Cancel, and what is only a test, do not look like an alert in a list.
        assert "  [Cancel] wind-3 " in table and "  [Update] rain-2 " in table, table
        assert "  [Ack] snow-2 " in table and "  wind " in table, table
    pair.budapest.post(alert("trial"))
    table = pair.budapest.hansa("list", "alert", "--limit", "1")
    assert "  [Exercise] trial" in table, table


def output_to_what_is_no_file(pair):
    """--output replaces no device, pipe or link: `--output /dev/null` by root must not."""
    one = pair.folder("out", {"one.md": "# One\n\nText.\n"}) / "one.md"
    record = pair.budapest.publish("doc", one, "pact", "--attach", one)["id"]
    pipe, link, real = (pair.space.path / name for name in ("pipe", "link", "real"))
    os.mkfifo(pipe)
    link.symlink_to(real)
    real.write_text("before")
    for what in (("get", record, "one.md"), ("export", record, "--as", "json")):
        end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        pair.budapest.hansa(*what, "--output", pipe)
        assert os.read(end, 65536), what
        os.close(end)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        pair.budapest.hansa(*what, "--output", link)
        assert link.is_symlink() and real.read_bytes() not in (b"", b"before")
        assert not list(pair.space.path.glob("*.??????")), list(pair.space.path.iterdir())


def links_that_lead_out(pair):
    folder = pair.folder("links", {"a.md": "# A link's file\n\nText.\n"})
    (folder / "b.txt").symlink_to("/etc/hostname")
    (folder / "round").symlink_to(".")
    report = json.loads(
        pair.budapest.hansa("import", folder, "--network", "pact", "--json", code=1))
    assert report["accepted"] == 1, report
    assert [r["file"] for r in report["refused"]] == ["b.txt", "round"], report
    report = pair.budapest.command("--socket", pair.budapest.socket, "import", folder / "a.md")
    assert report.returncode == 1 and "is no folder" in report.stderr, report


def keys_of_another_city(pair):
    """Files that were put into the wrong folder: refused before anything is signed or dialled."""
    theirs, ours = pair.budapest.dir / "keys", pair.bratislava.dir / "keys"
    pair.bratislava.stop()
    for name, reason in (("city.key", "is the key of another city"),
                         ("node.key", "is the node key of budapest in pact")):
        own = (ours / name).read_bytes()
        (ours / name).write_bytes((theirs / name).read_bytes())
        pair.bratislava.start(wait=False)
        assert pair.bratislava.wait_end() == 1
        assert reason in pair.bratislava.log().splitlines()[-1], pair.bratislava.log()[-500:]
        (ours / name).write_bytes(own)
    pair.bratislava.start()
    assert pair.budapest.status()["publishing"]["state"] == "open"


def tail_without_a_reader(pair):
    """`hansa tail | head -1` ends though nothing arrives any more: at the next sign of life."""
    path = pair.space.path / "quiet.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        tail = subprocess.Popen([HANSA, "--socket", path, "tail", "--from", "0"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        client = server.accept()[0]
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                       b'event: purge\nid: 0123456789abcdef-1\ndata: {"seq": 1}\n\n')
        assert b"purge" in tail.stdout.readline()
        tail.stdout.close()
        client.sendall(b":\n\n")
        assert tail.wait(15) == 0
        assert tail.stderr.read() == b""
        tail.stderr.close()
        client.close()


TESTS = [import_under_another_name, update_and_cancel, output_to_what_is_no_file,
         links_that_lead_out, keys_of_another_city, tail_without_a_reader]


def main():
    with Workspace() as space:
        pair = Pair(space)
        for test in TESTS:
            test(pair)
            print(f"ok  {test.__name__.replace('_', ' ')}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
