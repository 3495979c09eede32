import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnswerHeaders, upstreamWait, type UpstreamWait } from '../../../proxy/route/upstream-wait.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const NOON_SECONDS = NOON / 1000
const DAY_MS = 86_400_000

type Row = readonly [status: number, headers: AnswerHeaders, wait: UpstreamWait]

const told: Readonly<Record<string, Row>> = {
  nothing: [429, {}, {}],
  'Retry-After in seconds': [429, { 'retry-after': '7' }, { waitMs: 7000 }],
  'Retry-After of a server that is away': [503, { 'retry-after': '7' }, { waitMs: 7000 }],
  'Retry-After as a date': [429, { 'retry-after': 'Tue, 01 Jan 2030 12:00:30 GMT' }, { waitMs: 30_000 }],
  'Retry-After in the past': [429, { 'retry-after': 'Tue, 01 Jan 2030 11:00:00 GMT' }, { waitMs: 0 }],
  'Retry-After that is neither': [429, { 'retry-after': 'soon' }, {}],
  'Retry-After below zero': [429, { 'retry-after': '-5' }, {}],
  'Retry-After twice': [429, { 'retry-after': ['3', '9'] }, { waitMs: 3000 }],
  'Retry-After of years': [429, { 'retry-after': '999999999' }, { waitMs: 31 * DAY_MS }],
  'milliseconds before seconds': [429, { 'retry-after-ms': '250', 'retry-after': '1' }, { waitMs: 250 }],
  'Retry-After before any reset': [
    429,
    { 'retry-after': '2', 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '60s' },
    { waitMs: 2000 },
  ],

  'Anthropic’s limit of which nothing remains': [
    429,
    {
      'anthropic-ratelimit-requests-remaining': '12',
      'anthropic-ratelimit-requests-reset': '2030-01-01T12:05:00Z',
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': '2030-01-01T12:00:09Z',
    },
    { waitMs: 9000 },
  ],
  'the latest of Anthropic’s': [
    429,
    {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2030-01-01T12:00:05Z',
      'anthropic-ratelimit-tokens-remaining': '0',
      'anthropic-ratelimit-tokens-reset': '2030-01-01T13:00:10+01:00',
    },
    { waitMs: 10_000 },
  ],
  'Anthropic’s limits that have room': [
    429,
    { 'anthropic-ratelimit-tokens-remaining': '5', 'anthropic-ratelimit-tokens-reset': '2030-01-01T12:00:10Z' },
    {},
  ],
  'Anthropic’s limit that was reset already': [
    429,
    { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '2030-01-01T11:59:59Z' },
    { waitMs: 0 },
  ],
  'Anthropic’s limit without a reset': [429, { 'anthropic-ratelimit-tokens-remaining': '0' }, {}],
  'a subscription that rejects': [
    429,
    {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(NOON_SECONDS + 7999),
    },
    { waitMs: 7_999_000 },
  ],
  'the window of a subscription that rejects': [
    429,
    {
      'anthropic-ratelimit-unified-5h-status': 'rejected',
      'anthropic-ratelimit-unified-5h-reset': String(NOON_SECONDS + 60),
      'anthropic-ratelimit-unified-7d-status': 'allowed',
      'anthropic-ratelimit-unified-7d-reset': String(NOON_SECONDS + 90_000),
    },
    { waitMs: 60_000 },
  ],
  'a subscription that allows': [
    429,
    {
      'anthropic-ratelimit-unified-status': 'allowed',
      'anthropic-ratelimit-unified-reset': String(NOON_SECONDS + 7999),
    },
    {},
  ],

  'OpenAI’s limit of which nothing remains': [
    429,
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '6m0s',
      'x-ratelimit-remaining-tokens': '9',
      'x-ratelimit-reset-tokens': '1h',
    },
    { waitMs: 360_000 },
  ],
  'milliseconds of OpenAI': [
    429,
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' },
    { waitMs: 20 },
  ],
  'parts of seconds': [
    429,
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h2m3.5s' },
    { waitMs: 3_723_500 },
  ],
  'seconds of Azure': [
    429,
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '14' },
    { waitMs: 14_000 },
  ],
  'no limit of Azure': [429, { 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '0' }, {}],
  'a duration that is none': [429, { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': 'P1D' }, {}],
  'limits of an answer that was not refused for them': [
    500,
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '14s' },
    {},
  ],

  'Brave’s second that is used up': [
    429,
    { 'x-ratelimit-limit': '1, 15000', 'x-ratelimit-remaining': '0, 14523', 'x-ratelimit-reset': '1, 1419704' },
    { waitMs: 1000 },
  ],
  'Brave’s month that is used up': [
    429,
    { 'x-ratelimit-limit': '1, 15000', 'x-ratelimit-remaining': '1, 0', 'x-ratelimit-reset': '1, 1419704' },
    { waitMs: 1_419_704_000, suspendMs: 1_419_704_000 },
  ],
  'Brave’s month without a limit': [
    429,
    { 'x-ratelimit-limit': '50, 0', 'x-ratelimit-remaining': '0, 0', 'x-ratelimit-reset': '1, 1419704' },
    { waitMs: 1000 },
  ],
  'Brave’s month that is over in a moment': [
    429,
    { 'x-ratelimit-limit': '1, 15000', 'x-ratelimit-remaining': '1, 0', 'x-ratelimit-reset': '1, 30' },
    { waitMs: 30_000 },
  ],
  'a single number that others send': [429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1893499200' }, {}],
}

for (const [what, [status, headers, wait]] of Object.entries(told)) {
  test(`an upstream that tells of ${what} is left alone as long as it says`, () => {
    assert.deepEqual(upstreamWait(status, headers, NOON), wait)
  })
}
