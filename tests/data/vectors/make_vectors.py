#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the test vectors of docs/protocol.md: make_vectors.py [FOLDER], by default its own.

Independent of the code under test: Python 3, hashlib and `cryptography` (Debian:
python3-cryptography).
With --check it compares with the files that are there and exits 1 if one differs.
Exit code 77: `cryptography` is not installed.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

try:
    import charters
    import feeds
    import links
    import names
except ImportError as error:
    print('make_vectors.py: skipped: %s (Debian: python3-cryptography)' % error)
    sys.exit(77)


def make():
    charter = charters.charter()  # first: the network_id is the hash of its genesis
    chain = charter['chain']
    made = {
        'charter': charter, 'epoch_records': charters.epoch_records(),
        'amendment_items': charters.items(),
        'addresses': charters.addresses(), 'approval': charters.approval(chain),
        'join': charters.join(chain),
        'ids': feeds.ids(), 'headers': feeds.headers(), 'entries': feeds.entries(),
        'heads': feeds.heads(),
        'runs': feeds.runs(), 'attachments': feeds.attachments(),
        'fork_proof': charters.fork_proof(),
        'digest': links.digest(chain), 'rolling': links.rolling(), 'blind': links.blind(),
        'hold': links.hold(),
        'twin': links.twin(), 'beacon': links.beacon(),
    }
    made['frames'] = links.frames(made)
    made['keys'] = names.keys()
    return {name + '.json': json.dumps(content, indent=1, ensure_ascii=False) + '\n'
            for name, content in made.items()}


def main(arguments):
    check = '--check' in arguments
    folder = ([a for a in arguments if not a.startswith('--')] or [HERE])[0]
    wrong = 0
    for name, text in make().items():
        path = os.path.join(folder, name)
        if check:
            try:
                with open(path, encoding='utf-8') as file:
                    same = file.read() == text
            except FileNotFoundError:
                same = False
            if not same:
                print('%s differs from what make_vectors.py makes' % name)
                wrong = 1
        else:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
    return wrong


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
