#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A city is killed with SIGKILL again and again while a large attachment comes.

What it once said was held is held when it comes back, only the rest is fetched, and at the end the
file is the one that was uploaded, by its SHA-256. The author is killed once too.
"""
import hashlib
import os

from harness import CITIES, Federation, Workspace, document, record_path, wait_until

MIB = 1 << 20
FILE_BYTES = 192 * MIB + 12345
KILLS = 6
BOUND_S = 120
# Beside the chunks: chunk hashes, frames, charter, and what the author sends of the attempt that
# the reader's end cut off.
BESIDE_BYTES = 1 * MIB


def prepare(city):
    text = city.config.read_text(encoding="utf-8")
    assert "fetch_max: 32 MiB" in text
    city.config.write_text(text.replace("fetch_max: 32 MiB", "fetch_max: 1 GiB"), encoding="utf-8")


class Fetching:
    def __init__(self, space):
        self.federation = Federation(space, CITIES[:2], prepare=prepare)
        self.author, self.reader = self.federation.cities
        Federation.cut(self.author, self.reader)
        data = os.urandom(FILE_BYTES)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.id = self.author.upload(data)["id"]
        answer = self.author.post({**document("A plan"), "attachments": [
            {"id": self.id, "name": "plan.bin"}]})
        assert answer.status == 201, answer.body
        self.record = answer.json()["id"]
        Federation.mend(self.author, self.reader)

    def held(self):
        """Bytes that are durable at the reader."""
        answer = self.reader.record(self.record)
        if answer.status != 200:
            return 0
        if answer.json()["attachments"][0]["held"]:
            return FILE_BYTES
        answer = self.reader.http("GET", f"{record_path(self.record)}/attachments/{self.id}")
        return answer.json()["held_bytes"] if answer.status == 202 else FILE_BYTES

    def received(self):
        return sum(peer["received_bytes"] for peer in self.reader.status()["peers"])

    def last_held(self, least):
        """Waits until so much is held. What it was last, before the kill."""
        seen = [0]

        def enough():
            seen[0] = self.held()
            return seen[0] >= least
        wait_until(enough, BOUND_S, f"{least // MIB} MiB of the attachment")
        return seen[0]


def main():
    with Workspace() as space:
        test = Fetching(space)
        kills, before = 0, 0
        for number in range(1, KILLS + 1):
            before = test.last_held(number * FILE_BYTES // (KILLS + 2))
            test.reader.kill()
            kills += before < FILE_BYTES
            if number == KILLS // 2:
                test.author.kill()
                test.author.start()
            test.reader.start()
            held = test.held()
            assert held >= before, f"{held} bytes are held; {before} were, before the SIGKILL"
        assert kills >= 2, "it came too quickly: nothing was tried"
        wait_until(lambda: test.held() == FILE_BYTES, BOUND_S, "the rest")
        received = test.received()
        data = test.reader.attachment(test.record, test.id)
        assert len(data) == FILE_BYTES and hashlib.sha256(data).hexdigest() == test.sha256, \
            "the file differs"
        assert received <= FILE_BYTES - before + BESIDE_BYTES, (
            f"{received} bytes came for the {FILE_BYTES - before} that were missing")
        print(f"{kills} kills; at the last {before / MIB:.1f} of {FILE_BYTES / MIB:.1f} MiB were "
              f"held, and {received / MIB:.1f} MiB came after it")


if __name__ == "__main__":
    main()
