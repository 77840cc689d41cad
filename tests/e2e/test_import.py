#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`hansa import` of real files: each is in, byte for byte, or refused with a reason that helps.

On tests/data, and on the folder named by HANSA_DATA where it is set (with folders alerts, documents
and calls; whatever else is in it must be refused or come in, too). What the command says is not
believed: records are read back by the command and compared with the files; how many records a
file of calls has is counted here, by another reader.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import sys

from harness import (CITIES, DATA, NETWORK, Federation, Workspace, record_path)
from sources import ALERTS, ATTACHED, DOCUMENTS, calls_in, files_of, same, text_of

IMPORT_BOUND_S = 240

# What is refused of tests/data, with the sentence that its owner reads.
NO_CALL = "; only releases that plan or open a procurement are calls"
REFUSED = {
    ("calls/" + name, record): reason for name, record, reason in (
        ("ocds-examples__award.json", "record 1", "tag: is award" + NO_CALL),
        ("ocds-examples__closed_single_award.json", "record 1", "tag: is award" + NO_CALL),
        ("ocds-examples__closed_single_supplier.json", "record 1", "tag: is award" + NO_CALL),
        ("ocds-examples__contract.json", "record 1", "tag: is contract" + NO_CALL),
        ("ocds-examples__contractAmendment.json", "record 1",
         "tag: is contractAmendment" + NO_CALL),
        ("ocds-examples__extensions_block.json", "", "is no record of Hansa's own, and no mapping "
         "says how calls are read from a JSON file such as this one"),
        ("ocds-examples__implementation.json", "record 1", "tag: is implementation" + NO_CALL),
        ("ocds-examples__ocds-213czf-000-00001-04-award.json", "record 1",
         "tag: is award" + NO_CALL),
        ("ocds-examples__ocds-213czf-000-00001-05-contract.json", "record 1",
         "tag: is contract" + NO_CALL),
        ("ocds-examples__ocds-213czf-000-00001-06-implementation.json", "record 1",
         "tag: is implementation" + NO_CALL),
        ("ocds-examples__open_multiple_award.json", "record 1", "tag: is award" + NO_CALL),
        ("ocds-examples__open_multiple_supplier.json", "record 1", "tag: is award" + NO_CALL),
        ("ocds-examples__tender.json", "record 1", "funder: is missing (in the file: buyer.name, "
         "parties[roles=buyer].name, tender.procuringEntity.name, "
         "parties[roles=procuringEntity].name)"),
        ("ted-ocds__ContractAwardNotice_veat_2022-697882_release_0.json", "record 1",
         "tag: is award, contract" + NO_CALL),
    )
}
# And what is published of it, by the source that the mapping gives.
CALLS = {
    "https://agirpourlatransition.ademe.fr/": 5,
    "https://aides-territoires.beta.gouv.fr/": 3,
    "https://ec.europa.eu/info/funding-tenders/": 148,
    "https://github.com/abeltomy/swedish-funding-calls": 269,
    "https://standard.open-contracting.org/": 24,
    "https://www.culture.gouv.fr/": 3,
    "https://www.gov.uk/government/collections/government-grants-register": 120,
    "https://www.grants.ca.gov/": 50,
    "https://www.iledefrance.fr/aides-et-appels-a-projets": 3,
    "https://www.manche.fr/guide-des-aides/": 10,
    "https://www.threesixtygiving.org/": 60,
    "https://www.welcomeurope.com/": 2,
}

# On other folders: the forms of sentence of which each was read and found good.
SENTENCES = [re.compile(form + "$") for form in (
    r"(\S+: )?is missing.*",
    r"\S+: is '.*'; (it|its|CAP|there) .*",
    r"tag: is [\w, ]+; only releases that plan or open a procurement are calls",
    r"\S+: stands there twice",
    r"the file is empty",
    r"is an (RSS|Atom) feed, a list of links; import the alerts they lead to",
    r"is a calendar, whose events Hansa does not keep; a deadline belongs to a call, in JSON or "
    r"CSV",
    r"is a spreadsheet; save the sheet as CSV",
    r"is a procurement notice in UBL or eForms XML \(\w+\), which Hansa does not read; it takes "
    r"OCDS, in JSON",
    r"is no record of Hansa's own, and no mapping says how calls are read from a (CSV|JSON) file "
    r"such as this one",
    r"its <alert> has no namespace; CAP 1.2 is urn:oasis:names:tc:emergency:cap:1.2",
    r"\S+ is of no kind that Hansa reads: CAP, Markdown, .*",
)]


class Imported:
    """One folder, imported by one city, and what is to be true of it."""

    def __init__(self, city, folder, scratch):
        self.city, self.folder, self.scratch = city, folder, scratch
        self.files = files_of(folder)
        before = city.feeds()
        assert not before, before
        self.report = self.run(folder)
        self.feeds = city.feeds()
        self.refused = collections.defaultdict(dict)  # {file: {record: reason}}
        for item in self.report["refused"]:
            records = self.refused[item["file"]]
            assert item["record"] not in records, f"refused twice: {item}"
            records[item["record"]] = item["reason"]
        self.whole = {name for name, records in self.refused.items() if "" in records}

    def run(self, folder):
        done = self.city.command("--socket", self.city.socket, "import", folder, "--network",
                                 NETWORK, "--json", bound_s=IMPORT_BOUND_S)
        report = json.loads(done.stdout)
        assert list(report) == ["files", "accepted", "present", "refused"], list(report)
        assert done.returncode == (1 if report["refused"] else 0), done
        assert not done.stderr, done.stderr
        return report

    def totals(self):
        """What the command says agrees with the store, and every name is one of the folder."""
        accepted = self.report["accepted"]
        assert self.report["files"] == len(self.files), (self.report["files"], len(self.files))
        assert accepted == sum(seq for seq, _ in self.feeds.values()), (accepted, self.feeds)
        assert set(self.refused) <= set(self.files), set(self.refused) - set(self.files)
        assert self.city.status()["store"]["records"] == accepted

    def bytes_of(self, *arguments):
        """What a command writes to --output."""
        out = self.scratch / "out"
        self.city.hansa(*arguments, "--output", out)
        data = out.read_bytes()
        out.unlink()
        return data

    def listed(self, kind):
        records = self.city.json("list", kind, "--network", NETWORK, "--limit", 100000)["records"]
        ids = [r["id"] for r in records]
        assert len(ids) == self.feeds.get((NETWORK, self.city.slug, kind), (0,))[0]
        return ids

    def raw(self, record_id):
        """`show --raw`: bytes, so not through harness.hansa, which reads text."""
        data = self.city.raw(record_id)
        done = self.city.bytes("show", record_id, "--raw")
        assert done == data, f"{record_id}: show --raw gave {len(done)} bytes, not {len(data)}"
        return done

    def alerts(self):
        """Each CAP file is an original in the store, or refused."""
        originals = collections.Counter()
        for record_id in self.listed("alert"):
            original = self.bytes_of("export", record_id, "--as", "cap")
            originals[original] += 1
            raw = self.raw(record_id)
            attached = [a for a in self.city.json("show", record_id)["attachments"]
                        if a["original"]]
            if attached:
                got = self.bytes_of("get", record_id, attached[0]["id"])
                assert got == original, f"{record_id}: the attached original differs"
            assert (original in raw) != bool(attached), f"{record_id}: no original, or two"
        mine = self.taken(lambda name, path: path.suffix in ALERTS)
        self.agree(originals, {path.read_bytes(): name for name, path in mine.items()})
        return len(mine)

    def taken(self, wanted):
        """Files of one sort that were not refused."""
        return {name: path for name, path in self.files.items()
                if name not in self.whole and wanted(name, path)}

    @staticmethod
    def agree(held, files):
        wrong = same(held, files)
        assert not wrong, "\n".join(wrong)

    def documents(self):
        """Each text without its front matter, and each file attached to it."""
        texts, attached = collections.Counter(), collections.Counter()
        for record_id in self.listed("doc"):
            record = self.city.json("show", record_id)
            text = record["body"].get("text", "").encode()
            if text:
                texts[text] += 1
                assert text in self.raw(record_id), f"{record_id}: another text in its bytes"
            for a in record["attachments"]:
                data = self.bytes_of("get", record_id, a["name"])
                assert len(data) == a["size"], (record_id, a)
                attached[(a["name"], data)] += 1
        mine = self.taken(lambda name, path: path.suffix in DOCUMENTS)
        self.agree(texts, {text_of(path): name for name, path in mine.items()})
        beside = self.taken(lambda name, path: path.suffix in ATTACHED)
        self.agree(attached, {(path.name, path.read_bytes()): name
                              for name, path in beside.items()})
        return len(mine), len(beside)

    def calls(self):
        """Every record of every file of calls: published, there already, or refused.

        A folder with the file alone is imported: nothing of it may be published now.
        """
        counts = {}
        for name, path in self.files.items():
            if path.suffix not in (".json", ".csv"):
                continue
            alone = self.scratch / "alone"
            alone.mkdir()
            shutil.copy(path, alone)
            again = self.run(alone)
            shutil.rmtree(alone)
            assert again["accepted"] == 0, f"{name}: published twice: {again}"
            got = {r["record"]: r["reason"] for r in again["refused"]}
            assert got == self.refused.get(name, {}), f"{name}: refused otherwise: {got}"
            if name in self.whole:
                assert again["present"] == 0, again
                continue
            counts[name] = calls_in(path)
            assert again["present"] + len(got) == counts[name], (
                f"{name}: {counts[name]} records, {again['present']} in, {len(got)} refused")
        return counts

    def mappings(self):
        """{source: records} as they are published."""
        connection = self.city.connection()
        found = collections.Counter()
        for record_id in self.listed("call"):
            body = self.city.http("GET", record_path(record_id), connection=connection).json()
            found[body["body"]["source"]] += 1
        connection.close()
        return dict(found)

    def again(self):
        """The same folder once more: nothing is published, the same is refused."""
        report = self.run(self.folder)
        known = self.report["accepted"] + self.report["present"]
        assert (report["accepted"], report["present"]) == (0, known), report["present"]
        assert report["refused"] == self.report["refused"]
        assert self.city.feeds() == self.feeds


def check(city, folder, scratch):
    imported = Imported(city, folder, scratch)
    imported.totals()
    alerts = imported.alerts()
    documents, attached = imported.documents()
    counts = imported.calls()
    calls = sum(counts.values())
    assert alerts + documents + attached + len(counts) + len(imported.whole) == len(imported.files)
    mappings = imported.mappings()
    imported.again()
    print(f"  {len(imported.files)} files: {alerts} alerts, {documents} documents, {attached} "
          f"files attached, {calls} records in {len(counts)} files of calls; "
          f"{imported.report['accepted']} published, {imported.report['present']} met before, "
          f"{len(imported.report['refused'])} refused")
    for source, number in sorted(mappings.items()):
        print(f"  {number:6} {source}")
    return imported, mappings


def sentences(city, folder):
    """Without --json: a line for each refusal on standard error, the sum on standard output."""
    done = city.command("--socket", city.socket, "import", folder, "--network", NETWORK)
    lines = done.stderr.splitlines()
    want = [f"refused  {name}{f' ({record})' if record else ''}: {reason}"
            for (name, record), reason in sorted(REFUSED.items())]
    assert sorted(lines) == want, lines
    assert done.returncode == 1
    files = len(files_of(folder))
    assert re.fullmatch(f"{files} files, 0 records published, [0-9]+ published before, "
                        f"{len(want)} refused.\n", done.stdout), done.stdout


def test_data():
    """The files that come with the source: what is refused is known."""
    with Workspace() as space:
        city = Federation(space, CITIES[:1], linked=False).founder
        folder = space.path / "files"
        for name in ("alerts", "documents", "calls"):
            shutil.copytree(DATA / name, folder / name)
        imported, mappings = check(city, folder, space.path)
        got = {(r["file"], r["record"]): r["reason"] for r in imported.report["refused"]}
        for key in sorted(got.keys() | REFUSED.keys()):
            assert got.get(key) == REFUSED.get(key), f"{key}: {got.get(key)}"
        assert mappings == CALLS, mappings
        sentences(city, folder)


def other_data(folder):
    """A folder of somebody's: each refusal is of a form that was read and found good."""
    with Workspace() as space:
        city = Federation(space, CITIES[:1], linked=False).founder
        imported, _ = check(city, folder, space.path)
        bad = [r for r in imported.report["refused"]
               if not any(form.match(r["reason"]) for form in SENTENCES)]
        assert not bad, "\n".join(map(str, bad))


def main():
    print("tests/data")
    test_data()
    folder = os.environ.get("HANSA_DATA")
    if folder:
        print("HANSA_DATA")
        other_data(pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
