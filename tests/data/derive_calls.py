#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the excerpts in tests/data/calls from the large real files.

usage: derive_calls.py SOURCE TARGET

Rows are taken as they are, only fewer; contact fields, which name persons, are emptied.
"""
import json
import os
import sys


def excerpt_lines(source, target, keep):
    """Copies the header and the lines that `keep` wants, with the line ends of the source."""
    with open(source, "rb") as file:
        data = file.read()
    end = b"\r\n" if b"\r\n" in data else b"\r" if b"\r" in data else b"\n"
    lines = data.split(end)
    chosen = [lines[0]] + [line for n, line in enumerate(lines[1:], 1) if line and keep(n, line)]
    with open(target, "wb") as file:
        file.write(end.join(chosen) + end)


def rewrite_json(source, target, change):
    with open(source, encoding="utf-8") as file:
        data = json.load(file)
    change(data)
    with open(target, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
        file.write("\n")


def first_grants(count):
    def change(data):
        grants = [g for g in data["grants"] if "recipientIndividual" not in g]
        for grant in grants:
            grant.pop("additional_data", None)
        data["grants"] = grants[:count]
    return change


def empty_contacts(data):
    if isinstance(data, dict):
        for key, value in data.items():
            if key in ("contact", "info_contact", "contact_phone", "author"):
                data[key] = "" if value else value
            else:
                empty_contacts(value)
    elif isinstance(data, list):
        for value in data:
            empty_contacts(value)


def empty_column(name):
    def change(data):
        column = [field["id"] for field in data["fields"]].index(name)
        for record in data["records"]:
            record[column] = None
    return change


def main():
    source, target = sys.argv[1], sys.argv[2]

    def at(name):
        return os.path.join(source, name)

    def to(name):
        return os.path.join(target, name)

    excerpt_lines(at("eu-horizon/HE_calls_2024-07-11.derived.csv"),
                  to("eu-horizon__HE_calls_2024-07-11.open.csv"),
                  lambda n, line: b",Open," in line or b",Forthcoming," in line)
    for year, count in ("2013-14", 60), ("2016-17", 60):
        name = f"government-grant-schemes-{year}.csv"
        excerpt_lines(at("uk-government-grants/" + name), to("uk-government-grants__" + name),
                      lambda n, line, count=count: n <= count)
    for name, count in ("a002400000KeYdsAAF", 30), ("awefw001p00000zgyHZAAY", 30):
        rewrite_json(at(f"360giving/{name}.json"), to(f"360giving__{name}.json"),
                     first_grants(count))
    for name in sorted(os.listdir(at("aides-territoires"))):
        rewrite_json(at("aides-territoires/" + name), to("aides-territoires__" + name),
                     empty_contacts)
    name = "111c8c88-21f6-453c-ae2c-b4785a0624f5.json"
    rewrite_json(at("ca-grants/" + name), to("ca-grants__" + name), empty_column("ContactInfo"))


if __name__ == "__main__":
    main()
