#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A city that no link reaches is brought up to date by files: whole, split, damaged, cut short."""
import random
import sys
import time

from harness import CITIES, DATA, Federation, Workspace, compare, wait_until


def fill(a, b):
    """Real documents, calls and alerts at one city, alerts and a large file at the other."""
    a.command("--socket", a.socket, "import", DATA / "documents", bound_s=120)
    b.command("--socket", b.socket, "import", DATA / "alerts", bound_s=120)
    path = a.space.path / "large.bin"
    path.write_bytes(random.Random(7).randbytes(3_000_000))
    text = a.space.path / "note.md"
    text.write_text("# A large file\n\nIt is attached.\n")
    a.hansa("publish", "doc", text, "--attach", path)


def same(cities):
    wrong = compare(cities)
    assert not wrong, wrong[:5]


def damage(path, to):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    to.write_bytes(data)


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:4])
        a, b, c, d = federation.cities
        for city in (c, d):
            for other in (a, b):
                Federation.cut(city, other)
        Federation.cut(c, d)
        fill(a, b)
        wait_until(lambda: a.feeds() == b.feeds(), 60, "the linked two agree")
        whole = space.path / "all.hansa"
        said = a.json("bundle", "export", "--output", whole)
        assert said["files"] == [str(whole)] and whole.stat().st_size == said["bytes"]

        # Offline: what it holds, and that a bit of it was changed.
        checked = c.json("verify", whole)
        assert checked["verified"] and checked["whole"] and checked["records"] > 40, checked
        bad = space.path / "bad.hansa"
        damage(whole, bad)
        refused = c.command("verify", bad)
        assert refused.returncode == 1 and "frame" in refused.stderr, refused.stderr

        # A damaged one: named by its place, what came before it stays.
        refused = c.command("--socket", c.socket, "bundle", "import", bad)
        assert refused.returncode == 1 and "byte" in refused.stderr, refused.stderr

        # Killed in the middle of it, again and again, then to its end.
        for delay in (0.01, 0.03, 0.06):
            command = c.background("bundle", "import", whole)
            time.sleep(delay)
            c.kill()
            command.communicate(timeout=30)
            c.start()
        report = c.json("bundle", "import", whole)["parts"][0]
        assert report["waiting"] == 0 and report["other_history"] == 0, report
        same([a, b, c])
        again = c.json("bundle", "import", whole)["parts"][0]
        assert sum(again["new"].values()) == 0 and again["attachments"]["new"] == 0, again
        assert again["held"] == checked["records"], again

        # In parts; one is missing at first.
        parts = a.json("bundle", "export", "--split", "1M", "--output", space.path / "part")
        assert len(parts["files"]) > 2, parts
        missing = c.command("verify", *parts["files"][:1], *parts["files"][2:])
        assert missing.returncode == 1 and "Part 2" in missing.stderr, missing.stderr
        assert c.json("verify", *reversed(parts["files"]))["records"] == checked["records"]
        d.hansa("bundle", "import", *parts["files"])
        same([a, d])

        # Sealed to one city: no other opens it, nor is it opened once altered.
        sealed = space.path / "sealed.hansa"
        a.hansa("bundle", "export", "--seal", d.slug, "--output", sealed)
        assert a.slug.encode() not in sealed.read_bytes()
        other = c.command("--socket", c.socket, "bundle", "import", sealed)
        assert other.returncode == 1 and f"sealed to {d.slug}" in other.stderr, other.stderr
        damage(sealed, bad)
        other = d.command("--socket", d.socket, "bundle", "import", bad)
        assert other.returncode == 1 and "altered" in other.stderr, other.stderr
        opened = d.json("bundle", "import", sealed)["parts"][0]
        assert opened["held"] == checked["records"], opened
        boxes = a.json("bundle", "export", "--seal", d.slug, "--split", "1M", "--output",
                       space.path / "box")["files"]
        assert len(boxes) == len(parts["files"]), boxes
        assert all(p["waiting"] == 0 for p in d.json("bundle", "import", *boxes)["parts"])

        # Linked again: nothing comes a second time.
        entries = c.feeds()
        for city in (c, d):
            for other in (a, b):
                Federation.mend(city, other)
        Federation.mend(c, d)
        wait_until(federation.linked, 60, "every city has a link to every other")
        federation.wait_agree()
        assert c.feeds() == entries
        assert "contradicted" not in c.log() and "fork" not in c.log()

        # What a city that is not in the network gets to hear, and a file that is no bundle.
        text = c.command("--socket", c.socket, "bundle", "import", space.path / "note.md")
        assert text.returncode == 1 and "no bundle" in text.stderr, text.stderr
        since = a.json("bundle", "export", "--for", d.slug, "--output", space.path / "for.hansa")
        assert since["bytes"] > 0
        d.hansa("bundle", "import", space.path / "for.hansa")
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
