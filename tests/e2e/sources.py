# SPDX-License-Identifier: Apache-2.0
"""What is in files that were imported, by other means than Hansa's, to compare with its records."""
import collections
import csv
import json
import re

from harness import record_path

ALERTS = {".xml", ".cap"}
ATTACHED = {".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".docx", ".odt"}
DOCUMENTS = {".md", ".markdown", ".adoc", ".rst", ".html", ".htm", ".txt"}


def files_of(folder):
    """{relative path: Path} of all that import walks."""
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in
                                          path.relative_to(folder).parts)}


def text_of(path):
    """A document's bytes without its front matter."""
    data = path.read_bytes()
    front = re.match(rb"---[ \t]*\r?\n.*?\n---[ \t]*\r?\n", data, re.S)
    return data[front.end():] if front and path.suffix == ".md" else data


def calls_in(path):
    """How many records a file of calls has."""
    if path.suffix == ".csv":
        with open(path, encoding="utf-8-sig", newline="") as text:
            return sum(1 for row in csv.reader(text) if row) - 1
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    if isinstance(data, list):
        return len(data)
    for name in ("grants", "ListeDispositifs", "results", "aides", "calls", "releases"):
        if isinstance(data.get(name), list):
            return len(data[name])
    records = data.get("result", data).get("records")
    return len(records) if isinstance(records, list) else 1


def same(held, files):
    """Sentences on a Counter of what is held and {content: name} of files: each once, no more."""
    wrong = []
    left = collections.Counter(held)
    for content, name in files.items():
        times = left.pop(content, 0)
        if times != 1:
            wrong.append(f"{name} is held {times} times, byte for byte")
    return wrong + [f"held, but in no file: {str(content)[:200]}" for content in left]


def differences(city, paths):
    """What a city holds otherwise than the files of alerts and documents say, as sentences."""
    connection = city.connection()
    originals, texts, attached = (collections.Counter() for _ in range(3))

    def get(record_id, query=""):
        answer = city.http("GET", record_path(record_id) + query, connection=connection)
        return answer.body if answer.status == 200 else b"(not held)"

    for summary in city.records("alert"):
        originals[get(summary["id"], "/export?as=cap")] += 1
    for summary in city.records("doc"):
        record = json.loads(get(summary["id"]))
        text = record["body"].get("text", "").encode()
        if text:
            texts[text] += 1
        for a in record["attachments"]:
            attached[a["name"], get(summary["id"], "/attachments/" + a["id"])] += 1
    connection.close()
    return [f"{city.name}: {sentence}" for sentence in (
        same(originals, {p.read_bytes(): p.name for p in paths if p.suffix in ALERTS}) +
        same(texts, {text_of(p): p.name for p in paths if p.suffix in DOCUMENTS}) +
        same(attached, {(p.name, p.read_bytes()): p.name for p in paths if p.suffix in ATTACHED}))]
