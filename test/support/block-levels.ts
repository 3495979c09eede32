import { createRateLimits } from '../../proxy/rate-limits.ts'

/** Those that hold where nobody has set others. */
export const { blockLevels } = createRateLimits().inForce()
