#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A city whose disk is full: a real one, a tmpfs of 160 MiB in a mount namespace of its own.

Documents are published until one is refused, with one sentence that names the disk. Nothing that
was acknowledged is lost, also by a SIGKILL then; reads go on; alerts come and go by the room of the
reserve; another city's documents wait, and it is told why. With room again all goes on by itself.
"""
import os
import subprocess
import sys

from harness import CITIES, Federation, Workspace, alert, compare, document, wait_until

MIB = 1 << 20
DISK_MIB = 160
LEFT = 12 * MIB  # what the ballast leaves, beyond the reserve of 64 MiB
INSIDE = "HANSA_TEST_NAMESPACE"
SENTENCE = "Intake is paused: the disk with the data folder is full."


def enter():
    """Goes on in a mount namespace, in which this program may mount; or skips."""
    if os.environ.get(INSIDE):
        return
    probe = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"],
        capture_output=True, text=True)
    if probe.returncode:
        print(f"skipped: no mount namespace here: {probe.stderr.strip()}")
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])


def free(folder):
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


class Disk:
    """The small disk of one city, and a ballast that fills it."""

    def __init__(self, space, folder):
        folder.mkdir()
        self.folder, self.ballast = folder, folder / "ballast"
        options = f"size={DISK_MIB}m,mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        space.relays.append(self)  # closed with them, before the folder is removed

    def fill(self, left):
        with open(self.ballast, "ab") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, free(self.folder) - left)

    def empty(self):
        self.ballast.unlink()

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=False, capture_output=True)


def publish_until_refused(city):
    """{id: hash} of what was acknowledged, and the answer that refused."""
    acknowledged = {}
    for number in range(1000):
        answer = city.post(document(f"Document {number}", "x" * 200000))
        if answer.status != 201:
            return acknowledged, answer
        acknowledged[answer.json()["id"]] = answer.json()["hash"]
    raise AssertionError("a disk of 160 MiB took 200 MB")


def refused(answer):
    assert answer.status == 503, (answer.status, answer.body)
    error = answer.json()["error"]
    assert (error["code"], error["reason"]) == ("paused", SENTENCE), error


def all_readable(city, acknowledged):
    for record_id, digest in acknowledged.items():
        record = city.record(record_id)
        assert record.status == 200 and record.json()["hash"] == digest, record_id
        assert len(record.json()["body"]["text"]) == 200000, record_id
    assert len(city.records("doc")) >= len(acknowledged)


def refusals(city, space):
    """Every way in is closed with the same sentence."""
    refused(city.post(document("One more")))
    path = space.path / "more.md"
    path.write_text("---\ntitle: One more\nlanguage: en\n---\nText.\n", encoding="utf-8")
    done = city.command("--socket", city.socket, "publish", "doc", path, "--network", "pact")
    assert done.returncode == 1 and done.stdout == "", done
    assert SENTENCE in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    refused(city.http("POST", "/v1/attachments", b"x" * MIB, "application/octet-stream"))
    assert city.status()["paused"] == SENTENCE
    assert SENTENCE in city.hansa("status")
    assert "\nhansa_disk_full 1\n" in city.http("GET", "/metrics").body.decode()
    assert city.http("GET", "/healthz").status in (200, 503)


def alerts_pass(small, other, number):
    """In both directions."""
    for author, reader in ((small, other), (other, small)):
        answer = author.post(alert(f"{author.slug}-{number}"))
        assert answer.status == 201, answer.body
        record_id = answer.json()["id"]
        wait_until(lambda r=reader, i=record_id: r.record(i).status == 200, 30,
                   f"{record_id} at {reader.slug}")


def large_alert(identifier):
    record = alert(identifier)
    record["body"]["info"][0]["description"] = "x" * 130000
    return record


def reserve_used_up(city):
    """Ids of the alerts that found room."""
    ids = []
    for number in range(1000):
        answer = city.post(large_alert(f"large-{number}"))
        if answer.status != 201:
            refused(answer)
            return ids
        ids.append(answer.json()["id"])
    raise AssertionError("a reserve of 64 MiB took 200 MB")


def main():
    enter()
    with Workspace() as space:
        run(space, Disk(space, space.path / CITIES[0][1]))


def run(space, disk):
    federation = Federation(space, CITIES[:2])
    small, other = federation.cities
    disk.fill(LEFT)
    acknowledged, answer = publish_until_refused(small)
    assert len(acknowledged) >= 10, len(acknowledged)
    refused(answer)
    assert small.status()["store"]["records"] == len(acknowledged)
    refusals(small, space)
    all_readable(small, acknowledged)
    assert small.log().count(" disk_full ") == 1

    # The other city is told, its documents wait, alerts do not.
    wait_until(lambda: [p["peer_paused"] for p in other.status()["peers"]] == ["disk full"], 30,
               "the other city is told why")
    waiting = other.post(document("It waits", "y" * 200000)).json()["id"]
    alerts_pass(small, other, 1)
    assert small.record(waiting).status == 404

    # SIGKILL: what was acknowledged is there, and the room that is left is still for alerts.
    small.kill()
    small.start()
    all_readable(small, acknowledged)
    refusals(small, space)
    wait_until(federation.linked, 30, "a link after the restart")
    alerts_pass(small, other, 2)
    assert small.record(waiting).status == 404
    assert free(disk.folder) > 32 * MIB, "documents or files ate the room that is for alerts"

    # Alerts until the reserve is used up too: refused with the same sentence, and none is lost.
    alerts = reserve_used_up(small)
    late = other.post(large_alert("late"))
    assert late.status == 201, late.body
    all_readable(small, acknowledged)

    # Room again, and no restart.
    disk.empty()
    wait_until(lambda: small.status()["paused"] is None, 30, "intake goes on")
    assert small.post(document("After", "z" * 200000)).status == 201
    stored = small.upload(b"x" * MIB)
    assert stored["size"] == MIB
    federation.wait_agree()
    assert small.record(waiting).status == 200
    assert small.record(late.json()["id"]).status == 200
    for record_id in alerts:
        assert other.record(record_id).status == 200, record_id
    assert (disk.folder / "store" / "reserve").stat().st_size == 64 * MIB
    all_readable(other, acknowledged)
    wrong = compare(federation.cities)
    assert not wrong, wrong
    small.restart()
    assert small.status()["paused"] is None
    print(f"disk full: {len(acknowledged)} documents acknowledged before, all there; 4 alerts "
          f"passed while it was full, {len(alerts)} large ones into the reserve")


if __name__ == "__main__":
    main()
