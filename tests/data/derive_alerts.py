#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/alerts from real past alerts, so that none can be taken for a live one.

usage: derive_alerts.py SOURCE TARGET

SOURCE is a folder of folders with CAP files. Each copy gets the status Exercise and a note at its
top that says so; persons' names and mailboxes are replaced, <contact> is taken out, and XML
signatures too, since they no longer fit. Everything else, mistakes included, stays as it was.
"""
import os
import re
import sys

SIZE_MAX = 450000

# These are refused by Hansa (see bad/ for one of each), or describe a crime against a child.
LEFT_OUT = re.compile(
    r"cap-php/(12\.31|2\.0\.0\.1\.AT\.1482843637|2\.49\.0\.20\.0\.AT\.1509"
    r"|2\.49\.0\.20\.0\.AT\.151005103257"
    r"|2\.49\.0\.3\.0\.AT\.1476428256|test\.cap\.xml)"
    r"|filtered-alert-hub/|fpas/(TMD|alertswiss|au-bom|test_cap_data_1-[34]|mow.*-001-[23])"
    r"|ibm-cap/")

# Mailboxes of offices and servers; every other address is taken for a person's.
OFFICES = {
    "w-nws.webmaster@noaa.gov", "cap@dwd.de", "opendata@dwd.de", "prognoza@hidmet.gov.rs",
    "meteo@smg.gov.mo", "info-gdacs@gdacs.org", "info@meteo.gov.sc", "ksto@nws.noaa.gov",
    "web@mecom.ru", "vigilance@meteo.fr", "ntwc@noaa.gov", "info.aviso@inmet.gov.br",
    "hsas@dhs.gov", "forecasts@met.ie", "admin@example.com", "test@example.com",
}
NAMES = {"Niklas Spanring": "CAP editor", "Guido Schratzer": "CAP editor",
         "Firstname Lastname": "CAP editor", "BARUFFALDI/JUSKIE": "Office"}

NOTE = ("<!-- Derived for exercises by tests/data/derive_alerts.py: this is no live alert. "
        "Status set to Exercise, persons' contact details removed. -->\n")


def replace_address(match):
    address = match.group(0)
    return address if address.lower() in OFFICES else "office@example.org"


def derive(text):
    text = re.sub(r"(<(\w+:)?status>)\s*\w+\s*(</)", r"\1Exercise\3", text, count=1)
    text = re.sub(r"\s*<(\w+:)?contact>.*?</(\w+:)?contact>", "", text, flags=re.S)
    text = re.sub(r"<(\w+:)?Signature\b.*?</(\w+:)?Signature>", "", text, flags=re.S)
    text = re.sub(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", replace_address, text)
    for name, replacement in NAMES.items():
        text = text.replace(name, replacement)
    end = text.find("?>") + 2 if text.lstrip("\ufeff").startswith("<?xml") else 0
    return text[:end] + ("\n" if end else "") + NOTE + text[end:].lstrip()


def main():
    source, target = sys.argv[1], sys.argv[2]
    count = 0
    for folder, _, names in sorted(os.walk(source)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            short = os.path.relpath(path, source)
            if LEFT_OUT.search(short) or os.path.getsize(path) > SIZE_MAX:
                continue
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
            stem = re.sub(r"\.(cap|xml)+(\.xml)?$", "", short.replace("/", "__"))
            with open(os.path.join(target, stem + ".xml"), "w", encoding="utf-8",
                      newline="") as file:
                file.write(derive(text))
            count += 1
    print(f"{count} alerts")


if __name__ == "__main__":
    main()
