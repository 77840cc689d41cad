# SPDX-License-Identifier: Apache-2.0
"""Vectors of docs/protocol.md sections 5 and 9: a charter's chain, and what verifies by itself."""
import base64
import hashlib
import hmac

import feeds
import names
from feeds import T0
from wire import H, ZERO, envelope, object_hash, pack, some, u8, u64

GENESIS, AMENDMENT, EPOCH_RECORD, ADDRESSES, APPROVAL, FORK_PROOF = 1, 2, 3, 4, 5, 6
NO_CUTS = [[0, ZERO]] * 4


def _described(kind, body, signatures, message, **more):
    return {'type': kind, 'body': body.hex(), 'message': message.hex() if message else None,
            'signers': [k.name for k in signatures], 'object_hash': object_hash(kind, body).hex(),
            'envelope': envelope(kind, body,
                                 [(k.public, k.sign(message)) for k in signatures]).hex(), **more}


def record(city, number, anchor, signer, prev=ZERO, cuts=NO_CUTS, reason=0, guardians=(),
           guardian_k=0, signed=True):
    """Epoch record `number` of a city; its node key is '<city> node <number>'."""
    body = pack([1, anchor, names.city_id(city), number, names.key(city + ' city').public,
                 names.key('%s node %d' % (city, number)).public,
                 some('sealing %s %d' % (city, number)),
                 list(guardians), guardian_k, prev, [list(c) for c in cuts], reason, T0 + number])
    hash_ = H('hansa epoch record 1', body)
    signers = [signer, names.key('%s node %d' % (city, number))] if signed else []
    return _described(EPOCH_RECORD, body, signers, b'hansa epoch 1' + hash_,
                      city=city, epoch=number, anchor=anchor.hex(), record_hash=hash_.hex(),
                      reason=reason,
                      cuts=[[seq, h.hex()] for seq, h in cuts])


def raw(described):
    return bytes.fromhex(described['envelope'])


def hash_of(described):
    return bytes.fromhex(described.get('amendment_hash') or described['record_hash'])


def amendment_message(network, number, prev, hash_):
    return b'hansa amendment 1' + network + u64(number) + prev + hash_


def genesis():
    officers = [[names.key('officer %d' % i).public, 'Officer %d' % i] for i in (1, 2, 3)]
    core = [1, 'Pact of Free Cities, Pakt slobodných miest', 'pact', some('nonce', 16), officers,
            2, T0, None]
    core_hash = H('hansa genesis core 1', pack(core))
    founders = {c: record(c, 1, core_hash, names.key(c + ' city')) for c in ('budapest',
            'warszawa')}
    body = pack(core + [[[c, *names.TITLES[c], raw(r)] for c, r in founders.items()]])
    network = H('hansa network 1', body)
    names.set_network_id(network)
    hash_ = H('hansa amendment body 1', body)
    made = _described(GENESIS, body, [names.key('officer 1'), names.key('officer 3')],
                      amendment_message(network, 0, ZERO, hash_), number=0,
                      core_hash=core_hash.hex(),
                      network_id=network.hex(), amendment_hash=hash_.hex())
    return made, founders


def amendment(number, prev, items, signers):
    body = pack([1, names.network_id(), number, prev, T0 + 1000 * number, items])
    hash_ = H('hansa amendment body 1', body)
    return _described(AMENDMENT, body, signers,
                      amendment_message(names.network_id(), number, prev, hash_),
                      number=number, prev=prev.hex(), amendment_hash=hash_.hex(),
                      items=[i[0] for i in items])


def delegation(slug, confirm=None, label='delegation'):
    fields = [1, names.network_id(), some(label, 16), slug, T0 + 86400000,
              names.key('budapest node 1').public, confirm]
    hash_ = H('hansa delegation body 1', pack(fields))
    message = b'hansa delegation 1' + hash_
    signed = sorted([names.key(n).public, names.key(n).sign(message)] for n in ('officer 1',
            'officer 2'))
    return pack(fields + [signed]), {'slug': slug, 'confirm': confirm.hex() if confirm else None,
                                     'id': fields[2].hex(),
                                     'delegate': 'budapest node 1', 'message': message.hex()}


def some_cuts(label, seqs):
    return [[n, some('%s %d' % (label, lane)) if n else ZERO] for lane, n in enumerate(seqs, 1)]


def charter():
    """A chain that applies from the genesis on, one amendment after another."""
    first, founders = genesis()
    city, network = names.city_id('bratislava'), names.network_id()
    joined = record('bratislava', 1, network, names.key('bratislava city'))
    given, given_fields = delegation('bratislava')
    chain = [first]

    def add(items, *signers):
        chain.append(amendment(len(chain), hash_of(chain[-1]), items,
                               [names.key(s) for s in signers]))

    add([[1, 'bratislava', *names.TITLES['bratislava'], raw(joined), False, given]],
        'budapest node 1')
    add([[2, city], [7, 'welcome', 'Vitajte'], [8, city, 3, 1000, 1 << 30],
         [8, None, 1, 100, 1 << 20], [11, 1, True],
         [15, T0 + 31536000000]],
        'officer 1', 'officer 2')
    cuts = some_cuts('cut bratislava', (2, 0, 40, 7))
    add([[3, city, 'links misused', [1, cuts]]], 'officer 2', 'officer 3')
    add([[4, city]], 'officer 1', 'officer 2')
    renewed = record('bratislava', 2, network, names.key('bratislava city'), hash_of(joined), cuts,
                     1)
    add([[6, [[names.key('officer %d' % i).public, 'Officer %d' % i] for i in (1, 4)], 2],
         [14, [[city, 2, hash_of(renewed)]]]],
        'officer 1', 'officer 2', 'officer 4')
    add([[5, names.city_id('warszawa'), 'left by own wish', None]], 'officer 1', 'officer 4')
    return {'about': 'apply in this order; the epoch record of 2 may come after amendment 4',
            'chain': chain,
            'founder_records': list(founders.values()), 'joined_record': joined,
            'renewed_record': renewed,
            'delegation': {**given_fields, 'delegation': given.hex()}}


def epoch_records():
    """A chain of records of one founder, its cuts rising; and one that officers give, unsigned."""
    core_hash, key = bytes.fromhex(genesis()[0]['core_hash']), names.key('warszawa city')
    one = record('warszawa', 1, core_hash, key)
    two = record('warszawa', 2, core_hash, key, hash_of(one), some_cuts('cut a', (1, 0, 12, 0)), 1,
                 [names.city_id('budapest')], 1)
    three = record('warszawa', 3, core_hash, key, hash_of(two),
                   some_cuts('cut a', (1, 0)) + some_cuts('cut b', (0, 0, 13, 300))[2:], 3,
                   [names.city_id('budapest'), names.city_id('bratislava')], 2)
    given = record('warszawa', 4, names.network_id(), key, hash_of(three),
                   some_cuts('cut a', (1, 0)) + some_cuts('cut b', (0, 0, 13, 300))[2:], 2,
                   signed=False)
    return {'chain': [one, two, three], 'given_by_officers': given}


def items():
    """One item of each kind, to encode and decode; whether they apply together is not asked."""
    city, record_ = names.city_id('bratislava'), record('bratislava', 1, names.network_id(),
            names.key('bratislava city'))
    confirmed = names.key('bratislava city').public[:20]
    given = raw(record('bratislava', 2, names.network_id(), names.key('bratislava city'),
                       hash_of(record_), some_cuts('c', (1, 0, 3, 0)), 2, signed=False))
    all_ = [
        [1, 'bratislava', 'Bratislava', 'SK', raw(record_), True,
         delegation('bratislava', confirmed, 'second')[0]],
        [1, 'bratislava', 'Bratislava', 'SK', raw(record_), True, None],
        [2, city], [3, city, 'why', None], [4, city],
        [5, city, 'why', [2, some_cuts('c', (1, 2, 3, 4))]],
        [6, [[names.key('officer 1').public, '']], 1], [7, 'key', 'value'], [8, city, 3, 10, 10000],
        [9, city, 3, 512, some('floor')], [10, city, bytes.fromhex(record_['record_hash'])],
        [11, 1, False],
        [12, city, given], [13, names.feed_id('bratislava', 3), 5, some('erased'),
                            'a person asked'],
        [14, [[city, 3, some('record hash')]]], [15, T0], [40, 'a kind of later', None]]
    return {'items': [{'kind': i[0], 'item': pack(i).hex()} for i in all_],
            'amendment': amendment(9, some('prev'), all_, [names.key('officer 1')])}


def addresses():
    out = []
    for number, list_ in ((1, ['192.0.2.7:7411', '[2001:db8::7]:7411', 'hansa.example.org:443']),
                          (2, [])):
        body = pack([1, names.network_id(), names.city_id('budapest'), 1, number, T0 + number,
                     list_])
        out.append(_described(ADDRESSES, body, [names.key('budapest node 1')],
                              b'hansa address 1' + object_hash(ADDRESSES, body), number=number,
                              addresses=list_))
    return {'address_lists': out}


def approval(chain):
    proposed = bytes.fromhex(chain[3]['body'])
    body = pack([1, names.network_id(), 3, hash_of(chain[2]), proposed,
                 names.key('officer 2').public])
    return {'approval': _described(APPROVAL, body, [names.key('officer 2')],
                                   amendment_message(names.network_id(), 3, hash_of(chain[2]),
                                           hash_of(chain[3])),
                                   number=3, amendment_body=proposed.hex())}


def join(chain):
    secret, exporter, key = some('secret'), some('exporter'), names.key('bratislava city')
    fields = [1, names.network_id(), 0, hash_of(chain[0]), 'bratislava', T0 + 86400000, secret,
              ['192.0.2.7:7411'],
              names.key('budapest node 1').public, 'Pact of Free Cities']
    raw_ = pack(fields)
    token = 'hansa1-' + base64.urlsafe_b64encode(raw_ + H('hansa token 1',
            raw_)[:4]).rstrip(b'=').decode()
    proof = hmac.new(secret, exporter + key.public, hashlib.sha256).digest()
    return {'token': token, 'fields': raw_.hex(), 'network_id': names.network_id().hex(),
            'amendment_number': 0,
            'amendment_hash': chain[0]['amendment_hash'], 'slug': 'bratislava',
            'expiry': T0 + 86400000,
            'secret': secret.hex(), 'addresses': ['192.0.2.7:7411'],
            'node_key': names.key('budapest node 1').public.hex(),
            'network_name': 'Pact of Free Cities', 'exporter': exporter.hex(),
            'city_key': key.public.hex(),
            'proof': proof.hex()}


def _branch(key, feed_id, seq, prev, count, label, epoch=1):
    feed, hashes = feeds.Feed(feed_id, seq, prev), b''
    for i in range(count):
        salt, head_, body = some('%s %d' % (label, i), 16), feeds.header(feeds.DOC, b'x'), b'x'
        feed.add(salt, head_, body)
        hashes += feeds.header_hash(head_) + feeds.body_hash(salt, body)
    return [hashes, bytes.fromhex(feed.close(key, epoch, T0, False)['bytes'])]


def fork_proof():
    key, out = names.key('budapest node 1'), []
    feed_id = names.feed_id('budapest', feeds.DOC)
    for name, seq, common, a, b in (('at the first entry', 0, ZERO, 1, 1),
                                    ('three against one', 40, some('common'), 3, 1),
                                    ('the largest', 1, some('common'), 512, 512)):
        body = pack([1, names.network_id(), names.city_id('budapest'), feeds.DOC, seq, common,
                     _branch(key, feed_id, seq, common, a, name + ' a'),
                     _branch(key, feed_id, seq, common, b, name + ' b')])
        made = _described(FORK_PROOF, body, [], b'', name=name, seq=seq, entry_hash=common.hex(),
                          counts=[a, b],
                          feed_id=feed_id.hex())
        made['envelope_bytes'] = len(bytes.fromhex(made['envelope']))
        if a + b > 16:  # the body alone says it all
            made.pop('envelope')
        out.append(made)
    return {'fork_proofs': out}
