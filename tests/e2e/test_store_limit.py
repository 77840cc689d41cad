#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store that has reached store.limit: one sentence that names the limit and its key; alerts pass.

After a restart it is the same, and with a larger limit publishing goes on.
"""
import json

from harness import CITIES, Federation, Workspace, alert, document

LIMIT, MORE = "256 MiB", "320 MiB"
SENTENCE = ("Intake is paused: the store has reached its limit of {} (store.limit in the "
            "configuration).")
BATCH = 16


def limited(city):
    city.configure(f"store:\n  limit: {LIMIT}")


def publish_until_refused(city):
    """Batches as NDJSON; the number of records acknowledged, and the first refusal."""
    text = "x" * 240000
    connection = city.connection()
    acknowledged = 0
    for batch in range(100):
        lines = "".join(json.dumps(document(f"Document {batch}.{i}", text)) + "\n"
                        for i in range(BATCH))
        answer = city.http("POST", "/v1/networks/pact/records", lines, "application/x-ndjson",
                           connection=connection)
        assert answer.status == 200, (answer.status, answer.body)
        for line in answer.body.splitlines():
            given = json.loads(line)
            if "error" in given:
                return acknowledged, given["error"]
            acknowledged += 1
    raise AssertionError(f"a store of {LIMIT} took {acknowledged} records of 240 kB")


def paused(city, space):
    sentence = SENTENCE.format(LIMIT)
    answer = city.post(document("One more"))
    assert answer.status == 503, (answer.status, answer.body)
    assert answer.json()["error"]["code"] == "paused"
    assert answer.reason() == sentence, answer.reason()
    path = space.path / "more.md"
    path.write_text("---\ntitle: One more\nlanguage: en\n---\nText.\n", encoding="utf-8")
    done = city.command("--socket", city.socket, "publish", "doc", path, "--network", "pact")
    assert (done.returncode, done.stdout) == (1, ""), done
    assert sentence in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert city.status()["paused"] == sentence


def main():
    with Workspace() as space:
        city = Federation(space, CITIES[:1], prepare=limited).founder
        acknowledged, error = publish_until_refused(city)
        assert (error["code"], error["reason"]) == ("paused", SENTENCE.format(LIMIT)), error
        records = city.status()["store"]["records"]
        assert records >= acknowledged, (records, acknowledged)
        paused(city, space)
        assert city.post(alert("over-the-limit")).status == 201
        city.restart()
        paused(city, space)
        assert city.post(alert("over-the-limit-2")).status == 201
        assert len(city.records()) == records + 2
        city.stop()
        text = city.config.read_text(encoding="utf-8")
        city.config.write_text(text.replace(LIMIT, MORE), encoding="utf-8")
        city.start()
        assert city.status()["paused"] is None
        assert city.post(document("After")).status == 201
        print(f"store limit: {records} records in {LIMIT}, 2 alerts beyond it")


if __name__ == "__main__":
    main()
