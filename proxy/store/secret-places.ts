/**
 * Where secrets are, as a cipher wants to know it. A key's holds its channel: who can write the database must not be
 * able to have the key of one channel sent to the address of another.
 */
export function channelKeyPlace(channelId: string, keyId: string): string {
  return `channel_keys.secret/${channelId}/${keyId}`
}

export function channelOauthPlace(channelId: string): string {
  return `channels.oauth/${channelId}`
}
