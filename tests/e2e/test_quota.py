#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A quota of the charter: the origin refuses with one sentence, other lanes and cities go on."""
import sys

from harness import CITIES, Federation, Workspace, document, wait_until


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        founder, other = federation.cities
        founder.hansa("quota", "doc", "3", "--network", "pact", "--city", other.slug)
        number = founder.status()["networks"][0]["number"]
        wait_until(lambda: other.status()["networks"][0]["number"] == number, 20,
                   "the quota reaches the city")
        for i in range(3):
            assert other.post(document(f"title {i}")).status == 201
        before = other.feeds()
        answer = other.post(document("one too many"))
        assert answer.status == 429, (answer.status, answer.body)
        assert answer.json()["error"]["code"] == "quota", answer.body
        for words in ("pact", "doc", "3 records a day", "fits in again from 20"):
            assert words in answer.reason(), (words, answer.reason())
        assert other.feeds() == before
        assert founder.post(document("of another city")).status == 201
        said = founder.command("--socket", founder.socket, "quota", "doc", "many",
                               "--network", "pact")
        assert said.returncode != 0 and "whole numbers" in said.stderr, said
        # Taken away again it goes on at once.
        founder.hansa("quota", "doc", "0", "--network", "pact", "--city", other.slug)
        wait_until(lambda: other.post(document("goes on")).status == 201, 20, "it is free again")
        print("test_quota: ok")


if __name__ == "__main__":
    sys.exit(main())
