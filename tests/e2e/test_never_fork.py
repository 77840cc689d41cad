#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Never fork yourself: a store that was deleted, or put back to an older copy.

The city takes its own feeds back from its peers before it publishes the next seq, once directly and
once through a third city; its peers skip nothing and see one history.
"""
import shutil
import sys

from harness import CITIES, Federation, Workspace, document, wait_until


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
        wrong = federation.mismatches()
        assert not wrong, wrong
        for city in federation.cities:
            assert city.seq(prague, "doc") == seq


if __name__ == "__main__":
    sys.exit(main())
