import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { clientAddressBehind } from '../../../proxy/http/client-address.ts'

const trusted = ['10.0.0.0/8', '192.0.2.9', '2001:db8:aaaa::/48']

function clientOf(peer: string | undefined, forwarded?: string, ranges = trusted): string | undefined {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  const socket = { remoteAddress: peer } as IncomingMessage['socket'] // safe: nothing else of it is read
  return clientAddressBehind(ranges)({ headers, socket })
}

const cases: Readonly<
  Record<string, readonly [peer: string | undefined, forwarded: string | undefined, client: string | undefined]>
> = {
  'without the header it is the peer': ['10.0.0.1', undefined, '10.0.0.1'],
  'a peer that is not trusted is the client, whatever it writes': ['192.0.2.1', '198.51.100.1', '192.0.2.1'],
  'a trusted peer names the client': ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
  'a trusted peer may be named by one address': ['192.0.2.9', '198.51.100.1', '198.51.100.1'],
  'a trusted peer may speak IPv6': ['2001:db8:aaaa::1', '2001:db8::7', '2001:db8::7'],
  'a trusted peer may be an IPv4 address in IPv6': ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
  'the right-most address that is not trusted counts': [
    '10.0.0.1',
    '1.1.1.1, 198.51.100.1,10.9.9.9 , 192.0.2.9',
    '198.51.100.1',
  ],
  'what the client wrote itself is not believed': ['10.0.0.1', '127.0.0.1, 198.51.100.1', '198.51.100.1'],
  'if all are trusted it is the first of them': ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  'a port does not count': ['10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
  'a port behind brackets does not count': ['10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
  'brackets do not count': ['10.0.0.1', '[2001:db8::7]', '2001:db8::7'],
  'reading stops at what is no address': ['10.0.0.1', '198.51.100.1, unknown, 10.0.0.2', '10.0.0.2'],
  'reading stops at an empty entry': ['10.0.0.1', '198.51.100.1,,10.0.0.2', '10.0.0.2'],
  'an empty header says nothing': ['10.0.0.1', '', '10.0.0.1'],
  'a header of commas says nothing': ['10.0.0.1', ', ,', '10.0.0.1'],
  'an IPv6 address with a port and no brackets is no address': ['10.0.0.1', '[::1', '10.0.0.1'],
  'a peer without an address is believed nothing': [undefined, '198.51.100.1', undefined],
}

for (const [what, [peer, forwarded, client]] of Object.entries(cases)) {
  test(what, () => {
    assert.equal(clientOf(peer, forwarded), client)
  })
}

test('nobody is trusted unless named', () => {
  assert.equal(clientOf('127.0.0.1', '198.51.100.1', []), '127.0.0.1')
})

test('everybody may be trusted', () => {
  const everybody = ['0.0.0.0/0', '::/0']
  assert.equal(clientOf('192.0.2.1', '198.51.100.1, 2001:db8::7', everybody), '198.51.100.1')
})

test('of a header without end only the end is read', () => {
  const entries = Array.from({ length: 5000 }, (_, nth) => `10.0.${Math.floor(nth / 250)}.${nth % 250}`)
  assert.equal(clientOf('10.0.0.1', entries.join(', ')), entries.at(-32))
})
