#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A denied city is refused, and when it is allowed again the link is back at once.

The city that was refused backs off up to a minute and is not told; so the one that allows dials.
"""
from harness import CITIES, Federation, Workspace, document, wait_until

REFUSALS = 6  # from then on the refused city waits 4 s and more before it tries again


def denied_and_allowed(denier, other):
    before = other.log_size()
    denier.hansa("peers", "--deny", other.slug)
    assert other.slug in denier.json("peers")["denied"]

    def refusals():
        return other.log_since(before).count("the admin denied this city")

    wait_until(lambda: refusals() >= REFUSALS, 60, f"{other.slug} was refused {REFUSALS} times")
    assert not denier.linked(other) and not other.linked(denier)
    assert other.post(document("Published while denied")).status == 201
    # The next attempt of the refused city is at least 4 s away: it is the other one who dials.
    denier.hansa("peers", "--allow", other.slug)
    wait_until(lambda: denier.linked(other), 30, "the link is back")
    peer = [p for p in denier.json("peers")["peers"] if p["city"] == other.slug][0]
    assert peer["dialled"], "the link came back only when the refused city dialled"
    assert denier.json("peers")["denied"] == []
    wait_until(lambda: denier.seq(other, "doc") == other.seq(other, "doc"), 30, "the document")


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        budapest, bratislava = federation.cities
        for denier, other in ((budapest, bratislava), (bratislava, budapest)):
            denied_and_allowed(denier, other)
        # Denied at both ends, allowed at one after the other.
        Federation.cut(budapest, bratislava)
        Federation.mend(budapest, bratislava)
        wait_until(federation.linked, 30, "the link is back after both denied it")
        federation.wait_agree()
    print("deny: 2 documents, 3 links that came back")


if __name__ == "__main__":
    main()
