import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countedAddress } from '../../../proxy/auth/address.ts'

const counted: readonly (readonly [address: string | undefined, by: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::5', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, 'unknown'],
  ['', 'unknown'],
  ['/run/tollgate.sock', 'unknown'],
  ['192.0.2.1, 192.0.2.2', 'unknown'],
]

for (const [address, by] of counted) {
  test(`failures from ${JSON.stringify(address)} are counted by ${by}`, () => {
    assert.equal(countedAddress(address), by)
    assert.ok(by.length <= 64, 'it fits into its column')
  })
}
