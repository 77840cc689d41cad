#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people do with the command and what their files turn out to be, at two running cities.

The second city stands in the network under another short name than in its own configuration, as
happens where two members have the same name.
"""
import sys

from harness import CITIES, City, Federation, Workspace, wait_until

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


TESTS = [import_under_another_name]


def main():
    with Workspace() as space:
        pair = Pair(space)
        for test in TESTS:
            test(pair)
            print(f"ok  {test.__name__.replace('_', ' ')}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
