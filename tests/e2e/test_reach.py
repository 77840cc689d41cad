#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two cities cannot reach each other, a third relays: `hansa reach` says so at both ends.

The way between them is cut by relays in front of both, which the third one does not need: it is
dialled. A changed feed brings the next beacon, a minute after the last at the soonest.
"""
import signal

from harness import CITIES, Federation, Relay, Workspace, document, wait_until


def behind_relay(space, city, others):
    relay = Relay(space, city.address())
    city.configure(f"advertise:\n  - {relay.address}")
    city.process.send_signal(signal.SIGHUP)
    for other in others:
        wait_until(lambda o=other: o.member(city.slug)["addresses"] == [relay.address], 30,
                   f"{other.slug} has the new address of {city.slug}")
    return relay


def reach(at, of):
    return [c for c in at.json("reach")["cities"] if c["city"] == of.slug][0]


def parted(a, b, relays):
    """No connection of the two is left, and none can be made."""
    a.hansa("peers", "--deny", b.slug)
    b.hansa("peers", "--deny", a.slug)
    wait_until(lambda: b.slug not in a.peers() and a.slug not in b.peers(), 10, "no link")
    for relay in relays:
        relay.cut()
    a.hansa("peers", "--allow", b.slug)
    b.hansa("peers", "--allow", a.slug)


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:3])
        a, b, c = federation.cities
        relays = [behind_relay(space, a, (b, c)), behind_relay(space, c, (a, b))]
        # The third is dialled by both.
        for city in (a, c):
            b.hansa("peers", "--deny", city.slug)
            b.hansa("peers", "--allow", city.slug)
        parted(a, c, relays)
        wait_until(lambda: a.linked(b) and c.linked(b), 60, "the third is linked to both")
        assert c.post(document("Relayed")).status == 201
        wait_until(lambda: a.seq(c, "doc") == 1, 30, "the document")
        for at, of in ((a, c), (c, a)):
            wait_until(lambda x=at, y=of: reach(x, y)["unreachable"], 60, "a failed attempt")
            seen = reach(at, of)
            assert not seen["linked"] and not seen["overdue"], seen
            assert seen["unreachable"]["reason"] and seen["unreachable"]["since"], seen
            assert seen["unreachable"]["address"] == relays[of is c].address, seen
        wait_until(lambda: reach(a, c)["relayed_by"] == b.slug, 100, "a beacon came through it")
        assert reach(a, b)["linked"] and reach(a, b)["unreachable"] is None
        text = a.hansa("reach")
        assert any(line.split()[0] == c.slug and "relayed" in line and b.slug in line
                   for line in text.splitlines()), text
        assert reach(a, c)["withheld"] == []
    print("reach: one city relayed by another")


if __name__ == "__main__":
    main()
