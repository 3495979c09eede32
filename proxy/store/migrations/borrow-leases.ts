/**
 * `borrow_leases(replica, asks, ttl_ms)`: sets the leases of a replica to what it asks for, as far as the limits allow,
 * and tells how each limit stands. A function, since the sums have to be read after the lock was got: within one
 * statement both would see the same snapshot, and two replicas that ask at once would be given the same rest.
 * Each ask is a `LeaseAsk` of domain/lease.ts with `source` (the unit of its buckets), `span_ms` (how long a bucket
 * counts from its start) and `period` (`day`, `month`, or null for a rolling one). The rule is `grantOf` of limit/grant.ts.
 */
export function borrowFunction(name: (table: string) => string): string {
  return `CREATE FUNCTION ${name('borrow_leases')}(replica text, asks jsonb, ttl_ms bigint)
RETURNS TABLE (subject text, unit text, granted bigint, used bigint, others bigint, ends_at bigint, now_ms bigint, replica_count bigint)
LANGUAGE plpgsql VOLATILE AS $function$
#variable_conflict use_column
DECLARE
  at bigint;
BEGIN
  -- In one order, so that whoever asks for the same things waits in a row and never in a circle.
  PERFORM pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended('${name('limit_leases')} ' || (ask ->> 'subject'), 0) AS key
    FROM jsonb_array_elements(asks) AS ask ORDER BY key
  ) AS locks;
  at := floor(extract(epoch FROM clock_timestamp()) * 1000);

  INSERT INTO ${name('replicas')} AS known (id, seen_at) VALUES (replica, at)
  ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

  INSERT INTO ${name('limit_buckets')} AS bucket (subject, unit, start, amount)
  SELECT ask ->> 'subject', ask ->> 'source', (spend ->> 0)::bigint, (spend ->> 1)::bigint
  FROM jsonb_array_elements(asks) AS ask, jsonb_array_elements(ask -> 'used') AS spend
  ORDER BY 1, 2, 3
  ON CONFLICT (subject, unit, start) DO UPDATE SET amount = bucket.amount + excluded.amount;

  RETURN QUERY
  WITH asked AS (
    SELECT ask ->> 'subject' AS subject, ask ->> 'unit' AS unit, ask ->> 'source' AS source,
      (ask ->> 'limit')::bigint AS max, (ask ->> 'base')::bigint AS base, (ask ->> 'wanted')::bigint AS wanted,
      (ask ->> 'spare')::bigint AS spare, (ask ->> 'span_ms')::bigint AS span,
      CASE WHEN ask ->> 'period' IS NULL THEN at - (ask ->> 'span_ms')::bigint
        ELSE extract(epoch FROM date_trunc(ask ->> 'period', to_timestamp(at / 1000.0) AT TIME ZONE 'UTC'))::bigint * 1000 - 1
      END AS since,
      CASE WHEN ask ->> 'period' IS NULL THEN NULL ELSE
        extract(epoch FROM date_trunc(ask ->> 'period', to_timestamp(at / 1000.0) AT TIME ZONE 'UTC')
          + ('1 ' || (ask ->> 'period'))::interval)::bigint * 1000
      END AS next_period
    FROM jsonb_array_elements(asks) AS ask
  ), state AS (
    SELECT asked.*,
      (SELECT coalesce(sum(bucket.amount), 0)::bigint FROM ${name('limit_usage')} AS bucket
       WHERE bucket.subject = asked.subject AND bucket.unit = asked.source AND bucket.start > asked.since) AS used,
      (SELECT coalesce(sum(lease.amount), 0)::bigint FROM ${name('limit_leases')} AS lease
       WHERE lease.subject = asked.subject AND lease.unit = asked.unit
         AND lease.replica_id <> replica AND lease.expires_at > at) AS others
    FROM asked
  ), decided AS (
    SELECT state.*, CASE
      WHEN wanted <= max - used - others - base THEN base + wanted + least(spare, max - used - others - base - wanted)
      WHEN others = 0 AND base = 0 AND used < max THEN max - used
      ELSE base
    END AS amount FROM state
  ), kept AS (
    INSERT INTO ${name('limit_leases')} AS lease (replica_id, subject, unit, amount, expires_at)
    SELECT replica, subject, unit, amount, at + ttl_ms FROM decided WHERE amount > 0 ORDER BY subject, unit
    ON CONFLICT (replica_id, subject, unit) DO UPDATE SET amount = excluded.amount, expires_at = excluded.expires_at
  ), returned AS (
    DELETE FROM ${name('limit_leases')} AS lease USING decided
    WHERE decided.amount = 0 AND lease.replica_id = replica AND lease.subject = decided.subject AND lease.unit = decided.unit
  )
  SELECT decided.subject, decided.unit, decided.amount, decided.used, decided.others,
    CASE WHEN decided.used < decided.max THEN NULL ELSE coalesce(decided.next_period, (
      SELECT min(gone.start + decided.span) FROM (
        SELECT bucket.start, sum(bucket.amount) OVER (ORDER BY bucket.start) AS amount
        FROM ${name('limit_usage')} AS bucket
        WHERE bucket.subject = decided.subject AND bucket.unit = decided.source AND bucket.start > decided.since
      ) AS gone WHERE decided.used - gone.amount < decided.max
    )) END,
    at, (SELECT count(*) FROM ${name('replicas')} AS alive WHERE alive.seen_at > at - ttl_ms)
  FROM (VALUES (1)) AS always(one) LEFT JOIN decided ON true; -- a row for the clock, whatever was asked
END
$function$`
}
