import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isForbiddenAddress, isForbiddenHost } from '../../../proxy/domain/outbound-address.ts'

const forbidden = [
  '169.254.169.254',
  '169.254.0.1',
  '169.254.255.255',
  '0.0.0.0',
  '0.1.2.3',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '::',
  'fe80::1',
  'febf::1',
  'fe80::1%eth0',
  'FE80::A',
  'fd00:ec2::254',
  'fd00:0ec2:0:0:0:0:0:254',
  'fd20:ce::254',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::169.254.169.254',
  '64:ff9b::169.254.169.254',
  '64:ff9b::a9fe:1',
  '2002:a9fe:a9fe::1',
]
const allowed = [
  '1.1.1.1',
  '169.253.255.255',
  '169.255.0.0',
  '127.0.0.1',
  '10.0.0.1',
  '192.168.1.1',
  '100.100.100.201',
  '::1',
  'fec0::1',
  'fe7f::1',
  'fd00:ec2::253',
  '2001:db8::a9fe:a9fe',
  '2002:0101:0101::',
  '64:ff9b::1.1.1.1',
  '::ffff:10.0.0.1',
]

test('link-local addresses and metadata services are forbidden, however they are written', () => {
  for (const address of forbidden) assert.equal(isForbiddenAddress(address), true, address)
})

test('every other address is not, private ones included', () => {
  for (const address of allowed) assert.equal(isForbiddenAddress(address), false, address)
})

test('what is no IP address is none that is forbidden', () => {
  for (const text of [
    '',
    'example.com',
    '169.254.1',
    '169.254.1.256',
    'fe80',
    'fe80:1',
    'fe80::1::2',
    'fe80::g',
    '1:2:3:4:5:6:7:8:9',
    'fe80:0:0:0:0:0:0:0::',
  ])
    assert.equal(isForbiddenAddress(text), false, text)
})

test('a host of a URL is looked at as the URL has it', () => {
  const hostOf = (url: string): string => new URL(url).hostname
  for (const url of [
    'http://169.254.169.254/latest',
    'http://2852039166/',
    'http://0xa9.0xfe.0xa9.0xfe/',
    'http://[fe80::1]:8080/',
    'http://[::ffff:169.254.169.254]/',
    'http://metadata.google.internal/',
    'http://METADATA.google.internal./',
    'http://instance-data/',
  ])
    assert.equal(isForbiddenHost(hostOf(url)), true, url)
  for (const url of ['https://api.anthropic.com', 'http://[::1]:1', 'http://127.0.0.1', 'http://metadata.example.com'])
    assert.equal(isForbiddenHost(hostOf(url)), false, url)
})
