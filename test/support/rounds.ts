/**
 * How fast-check runs: always the same few rounds, so that a run tells of the code and not of chance.
 * `SEED=$RANDOM ROUNDS=100000` looks further.
 */
export function rounds(few = 200): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: Number(process.env['ROUNDS'] ?? few), seed: Number(process.env['SEED'] ?? 1) }
}
