# SPDX-License-Identifier: Apache-2.0
"""Who occurs in the vectors: three cities and their keys, in the network of charters.py."""
from wire import H, Key, u8

CITIES = ('budapest', 'bratislava', 'warszawa')
TITLES = {'budapest': ('Budapest', 'HU'), 'bratislava': ('Bratislava', 'SK'),
          'warszawa': ('Warszawa', 'PL')}
_keys = {}
_network = []


def key(name):
    """By name, such as 'budapest city', 'budapest node 2', 'officer 1'."""
    if name not in _keys:
        _keys[name] = Key(name)
    return _keys[name]


def city_id(city):
    return H('hansa city 1', key(city + ' city').public)


def set_network_id(network):
    _network[:] = [network]


def network_id():
    return _network[0]


def feed_id(city, lane):
    return H('hansa feed 1', network_id(), city_id(city), u8(lane))


def keys():
    return {'about': 'Ed25519 keys by name; seed is the private key of RFC 8032',
            'keys': [{'name': n, 'seed': k.seed.hex(), 'public': k.public.hex()} for n,
                     k in sorted(_keys.items())]}
