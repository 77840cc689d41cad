#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Never fork yourself: a store that was deleted, or put back to an older copy.

The city takes its own feeds back from its peers before it publishes the next seq, once directly and
once through a third city; its peers skip nothing and see one history. Where the last record was at
no peer yet, the admin goes on without it under a new epoch, and the old disk forks nothing.
"""
import os
import pty
import shutil
import subprocess
import sys

from harness import CITIES, HANSA, City, Federation, Workspace, document, wait_until


LOST = "at no other member 0"


def publish(city, count, name):
    for i in range(count):
        answer = city.post(document(f"{name} {i}"))
        assert answer.status == 201, answer.body
    return answer.json()["seq"]


def publish_next(city, expected):
    """The next record, whose seq must be `expected`: the draft waits until the feed is back."""
    def done():
        answer = city.post(document("after the loss"))
        return answer.json() if answer.status == 201 else None
    got = wait_until(done, 30, f"{city.slug} publishes again")
    assert got["seq"] == expected, f"seq {got['seq']} instead of {expected}"


def deleted(federation, city, seq):
    city.kill()
    shutil.rmtree(city.dir / "store")
    (city.dir / "store").mkdir(mode=0o700)
    city.start()
    publish_next(city, seq + 1)
    federation.wait_agree(30)
    return seq + 1


def rolled_back(federation, city, seq):
    """The copy is older than what the peers hold by ten entries."""
    city.stop()
    copy = federation.space.path / f"copy-{city.slug}"
    shutil.copytree(city.dir / "store", copy)
    city.start()
    seq = publish(city, 10, "lost with the newer store")
    federation.wait_agree(30)
    city.kill()
    shutil.rmtree(city.dir / "store")
    shutil.copytree(copy, city.dir / "store")
    shutil.rmtree(copy)
    city.start()
    publish_next(city, seq + 1)
    federation.wait_agree(30)
    return seq + 1


def refused(city, *arguments):
    """What `hansa ARGUMENT...` says where it is refused."""
    done = city.command("--socket", city.socket, *arguments)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    return done.stderr


def at_terminal(city, line, *arguments):
    """Runs the command at a terminal where `line` is typed: (exit code, what is shown there)."""
    near, far = pty.openpty()
    try:
        process = subprocess.Popen(
            [str(HANSA), "--socket", str(city.socket), *arguments], stdin=far, stderr=far,
            stdout=subprocess.DEVNULL, env=city.environment())
        os.write(near, line.encode() + b"\n")
        code = process.wait(60)
        return code, os.read(near, 65536).decode()
    finally:
        os.close(near)
        os.close(far)


def lose_disk(federation, city, seq, others, lost_keys=()):
    """`city` publishes what no peer gets, dies and loses its store; a copy of its folder."""
    for other in others:
        federation.cut(city, other)
    assert publish(city, 1, "at no other member") == seq + 1
    city.kill()
    disk = federation.space.path / f"disk-{seq}"
    shutil.copytree(city.dir, disk, ignore=shutil.ignore_patterns("control.sock", "lock"))
    shutil.rmtree(city.dir / "store")
    for name in lost_keys:
        (city.dir / "keys" / name).unlink()
    for other in others:
        other.hansa("peers", "--allow", city.slug)
    city.start()
    return disk


def assert_epoch(city, record_id, epoch):
    record = wait_until(lambda: city.record(record_id).status == 200 and
                        city.record(record_id).json(), 30, f"{city.slug} has {record_id}")
    assert record["epoch"] == epoch, record


def go_on_without(federation, city, seq, epoch):
    """Forced by the admin; the others take the same seq in the next epoch."""
    renewed = city.json("key", "renew", "--force", "--yes")
    assert renewed["epochs"] == [{"network": "pact", "epoch": epoch}], renewed
    publish_next(city, seq)
    federation.wait_agree(30)
    for member in federation.cities:
        assert_epoch(member, f"pact/{city.slug}/doc/{seq}", epoch)
    said = refused(city, "key", "renew", "--force", "--yes")
    assert "nothing to force" in said, said


def last_record_lost(federation, city, seq):
    disk = lose_disk(federation, city, seq, federation.cities[:2])
    text = f"{seq} of {seq + 1} entries are here"
    wait_until(lambda: text in city.status()["publishing"]["reason"], 30, text)
    said = refused(city, "key", "renew")
    assert text in said and "`hansa key renew --force`" in said, said
    said = refused(city, "key", "renew", "--force")
    assert f"lane doc: {seq} of {seq + 1} records are here" in said and "--yes" in said, said
    code, shown = at_terminal(city, "y", "key", "renew", "--force")
    assert code == 1 and "Type yes:" in shown and "Nothing was done." in shown, (code, shown)
    publishing = city.http("GET", "/v1/publishing").json()
    assert publishing["state"] == "recovering", publishing
    assert [(m["what"], m["lane"], m["held"], m["known"]) for m in publishing["missing"]] == [
        ("records", "doc", seq, seq + 1)], publishing
    go_on_without(federation, city, seq + 1, 2)
    return disk


def assert_no_fork(federation, city, seq):
    federation.wait_agree(30)
    for member in federation.cities:
        assert_epoch(member, f"pact/{city.slug}/doc/{seq}", 2)
        assert member.record(f"pact/{city.slug}/doc/{seq}@1").status in (200, 404)
        assert not any(feed.get("frozen") for feed in member.status()["feeds"]), member.status()


def old_disk_runs(federation, city, disk, seq):
    """The disk of before, which holds another entry at `seq`, runs again beside the city."""
    again = City(federation.space, city.name, city.slug, city.country, folder="disk-again")
    shutil.copytree(disk, again.dir)
    text = again.config.read_text(encoding="utf-8").replace(str(city.dir), str(again.dir))
    again.config.write_text(text, encoding="utf-8")
    for ports in again.dir.rglob("*port*"):
        ports.unlink()
    again.start()
    for member in federation.cities[:2]:
        again.hansa("peers", "--allow", member.slug)
    assert again.record(f"pact/{city.slug}/doc/{seq}").json()["body"]["title"] == LOST
    for member in federation.cities[:2]:
        wait_until(lambda m=member: "charter_only" in m.peers().values(), 30,
                   f"{member.slug} does not know the former key")
    again.post(document("by the old disk"))
    publish_next(city, seq + 1)
    assert_no_fork(federation, city, seq)
    again.stop()


def old_store_returns(federation, city, disk, seq):
    """Its store is put under the keys of now: what the cut disowned is shown as such."""
    city.stop()
    shutil.rmtree(city.dir / "store")
    shutil.copytree(disk / "store", city.dir / "store")
    city.start()
    for member in federation.cities[:2]:
        city.hansa("peers", "--allow", member.slug)
    lost = f"pact/{city.slug}/doc/{seq}"
    publish_next(city, seq + 2)
    assert_no_fork(federation, city, seq)
    record = city.record(f"{lost}@1").json()
    assert (record["state"], record["body"]["title"]) == ("disowned", LOST), record


def guard_lost_too(federation, city, seq):
    """Only one of two members is there to say how far it holds the city's records."""
    founder, away = federation.cities[:2]
    away.stop()
    lose_disk(federation, city, seq, [founder], ["guard"])
    wait_until(lambda: "1 of 2 needed members" in city.status()["publishing"]["reason"] and
               city.seq(city, "doc") == seq, 30, "one member's word is heard, and all is back")
    said = refused(city, "key", "renew", "--force")
    assert "1 of the 2 members needed" in said, said
    city.hansa("key", "renew", "--force", "--yes")
    publish_next(city, seq + 1)
    away.start()
    federation.wait_agree(30)
    for member in federation.cities:
        assert_epoch(member, f"pact/{city.slug}/doc/{seq + 1}", 3)


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:3])
        budapest, bratislava, prague = federation.cities
        seq = publish(prague, 25, "first")
        federation.wait_agree(30)
        noted = prague.dir / "keys" / "bootstrap"
        wait_until(noted.exists, 10, "the peers are noted beside the keys")
        seq = deleted(federation, prague, seq)
        print(f"store deleted: taken back, goes on at {seq}")
        seq = rolled_back(federation, prague, seq)
        print(f"store rolled back: taken back, goes on at {seq}")
        federation.cut(budapest, prague)
        seq = rolled_back(federation, prague, seq)
        print(f"the same through {bratislava.slug} alone: goes on at {seq}")
        federation.mend(budapest, prague)
        disk = last_record_lost(federation, prague, seq)
        print(f"last record lost: goes on at {seq + 1} in epoch 2")
        old_disk_runs(federation, prague, disk, seq + 1)
        print("the old disk runs again: no fork")
        old_store_returns(federation, prague, disk, seq + 1)
        print("its store is put back: what it alone held is disowned")
        seq += 3
        guard_lost_too(federation, prague, seq)
        seq += 1
        print(f"guard and last record lost: goes on at {seq} in epoch 3")
        wrong = federation.mismatches()
        assert not wrong, wrong
        for city in federation.cities:
            assert city.seq(prague, "doc") == seq


if __name__ == "__main__":
    sys.exit(main())
