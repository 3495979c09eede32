-- Generated from the migrations by npm run generate, for people and for comparison. It is what they execute on an empty
-- database; tollgate schema up is what makes and upgrades one.

CREATE SCHEMA "tollgate";

CREATE TABLE IF NOT EXISTS "tollgate".schema_migrations (name VARCHAR(255) PRIMARY KEY, min_reader INTEGER NOT NULL, applied_at BIGINT NOT NULL);

CREATE TABLE IF NOT EXISTS "tollgate"."api_keys" ("id" VARCHAR(26) NOT NULL , "name" VARCHAR(255) NOT NULL, "hash" VARCHAR(64) NOT NULL UNIQUE, "prefix" VARCHAR(16) NOT NULL, "status" VARCHAR(16) NOT NULL DEFAULT 'active', "is_admin" BOOLEAN NOT NULL DEFAULT false, "model" VARCHAR(255), "token_limit" BIGINT, "rpm" INTEGER, "expires_at" BIGINT, "allowed_endpoints" TEXT, "created_at" BIGINT NOT NULL, "last_used_at" BIGINT, "lifetime_tokens" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("id"));

CREATE UNIQUE INDEX "api_keys_name" ON "tollgate"."api_keys" ("name") WHERE "status" IN ('active', 'disabled');

CREATE TABLE IF NOT EXISTS "tollgate"."usage_windows" ("key_id" VARCHAR(26) NOT NULL , "minute" BIGINT NOT NULL , "tokens" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("key_id","minute"));

CREATE TABLE IF NOT EXISTS "tollgate"."request_logs" ("id" VARCHAR(26) NOT NULL , "request_id" VARCHAR(128) NOT NULL, "key_id" VARCHAR(26) NOT NULL, "endpoint" VARCHAR(255) NOT NULL, "model" VARCHAR(255), "stream" BOOLEAN NOT NULL, "channel" VARCHAR(255) NOT NULL, "status" VARCHAR(16) NOT NULL, "http_status" INTEGER NOT NULL, "error" VARCHAR(255), "metering" VARCHAR(16) NOT NULL, "input_tokens" BIGINT NOT NULL DEFAULT 0, "cache_read_tokens" BIGINT NOT NULL DEFAULT 0, "cache_write_tokens" BIGINT NOT NULL DEFAULT 0, "output_tokens" BIGINT NOT NULL DEFAULT 0, "reasoning_tokens" BIGINT NOT NULL DEFAULT 0, "spend_tokens" BIGINT NOT NULL DEFAULT 0, "admitted_at" BIGINT NOT NULL, "first_byte_ms" INTEGER, "duration_ms" INTEGER NOT NULL, "attempts" TEXT, PRIMARY KEY ("id"));

CREATE INDEX "request_logs_key" ON "tollgate"."request_logs" ("key_id", "id");

CREATE TABLE IF NOT EXISTS "tollgate"."settings" ("name" VARCHAR(64) NOT NULL , "value" TEXT NOT NULL, PRIMARY KEY ("name"));

CREATE TABLE IF NOT EXISTS "tollgate"."usage_stats" ("resolution" VARCHAR(8) NOT NULL , "start" BIGINT NOT NULL , "key_id" VARCHAR(26) NOT NULL , "model" VARCHAR(255) NOT NULL , "channel" VARCHAR(255) NOT NULL , "calls" BIGINT NOT NULL DEFAULT 0, "failed_calls" BIGINT NOT NULL DEFAULT 0, "input_tokens" BIGINT NOT NULL DEFAULT 0, "cache_read_tokens" BIGINT NOT NULL DEFAULT 0, "cache_write_tokens" BIGINT NOT NULL DEFAULT 0, "output_tokens" BIGINT NOT NULL DEFAULT 0, "reasoning_tokens" BIGINT NOT NULL DEFAULT 0, "spend_tokens" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("resolution","start","key_id","model","channel"));

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "replaced" TEXT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "budget_5h" BIGINT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "budget_day" BIGINT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "budget_month" BIGINT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "reset_at" BIGINT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "budget_is_calendar" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "cost_nano_usd" BIGINT;

ALTER TABLE "tollgate"."usage_stats" ADD COLUMN "cost_nano_usd" BIGINT NOT NULL DEFAULT 0;

CREATE TABLE IF NOT EXISTS "tollgate"."limit_buckets" ("subject" VARCHAR(64) NOT NULL , "unit" VARCHAR(16) NOT NULL , "start" BIGINT NOT NULL , "amount" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("subject","unit","start"));

CREATE TABLE IF NOT EXISTS "tollgate"."model_pricing" ("model" VARCHAR(255) NOT NULL , "input" BIGINT NOT NULL DEFAULT 0, "cache_read" BIGINT NOT NULL DEFAULT 0, "cache_write" BIGINT NOT NULL DEFAULT 0, "output" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("model"));

CREATE TABLE IF NOT EXISTS "tollgate"."auth_blocks" ("address" VARCHAR(64) NOT NULL , "failures" INTEGER NOT NULL DEFAULT 0, "failed_at" BIGINT NOT NULL DEFAULT 0, "blocked_until" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("address"));

CREATE INDEX "auth_blocks_until" ON "tollgate"."auth_blocks" ("blocked_until");

CREATE VIEW "tollgate".limit_usage AS
       SELECT key_id AS subject, 'tokens' AS unit, minute AS start, tokens AS amount FROM "tollgate".usage_windows
       UNION ALL SELECT subject, unit, start, amount FROM "tollgate".limit_buckets;

CREATE TABLE IF NOT EXISTS "tollgate"."replicas" ("id" VARCHAR(26) NOT NULL , "seen_at" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("id"));

CREATE TABLE IF NOT EXISTS "tollgate"."limit_leases" ("replica_id" VARCHAR(26) NOT NULL , "subject" VARCHAR(64) NOT NULL , "unit" VARCHAR(16) NOT NULL , "amount" BIGINT NOT NULL DEFAULT 0, "expires_at" BIGINT NOT NULL DEFAULT 0, PRIMARY KEY ("replica_id","subject","unit"));

CREATE INDEX "limit_leases_subject" ON "tollgate"."limit_leases" ("subject", "unit");

CREATE FUNCTION "tollgate".borrow_leases(replica text, asks jsonb, ttl_ms bigint)
RETURNS TABLE (subject text, unit text, granted bigint, used bigint, others bigint, ends_at bigint, now_ms bigint, replica_count bigint)
LANGUAGE plpgsql VOLATILE AS $function$
#variable_conflict use_column
DECLARE
  at bigint;
BEGIN
  -- In one order, so that whoever asks for the same things waits in a row and never in a circle.
  PERFORM pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended('"tollgate".limit_leases ' || (ask ->> 'subject'), 0) AS key
    FROM jsonb_array_elements(asks) AS ask ORDER BY key
  ) AS locks;
  at := floor(extract(epoch FROM clock_timestamp()) * 1000);

  INSERT INTO "tollgate".replicas AS known (id, seen_at) VALUES (replica, at)
  ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

  INSERT INTO "tollgate".limit_buckets AS bucket (subject, unit, start, amount)
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
      (SELECT coalesce(sum(bucket.amount), 0)::bigint FROM "tollgate".limit_usage AS bucket
       WHERE bucket.subject = asked.subject AND bucket.unit = asked.source AND bucket.start > asked.since) AS used,
      (SELECT coalesce(sum(lease.amount), 0)::bigint FROM "tollgate".limit_leases AS lease
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
    INSERT INTO "tollgate".limit_leases AS lease (replica_id, subject, unit, amount, expires_at)
    SELECT replica, subject, unit, amount, at + ttl_ms FROM decided WHERE amount > 0 ORDER BY subject, unit
    ON CONFLICT (replica_id, subject, unit) DO UPDATE SET amount = excluded.amount, expires_at = excluded.expires_at
  ), returned AS (
    DELETE FROM "tollgate".limit_leases AS lease USING decided
    WHERE decided.amount = 0 AND lease.replica_id = replica AND lease.subject = decided.subject AND lease.unit = decided.unit
  )
  SELECT decided.subject, decided.unit, decided.amount, decided.used, decided.others,
    CASE WHEN decided.used < decided.max THEN NULL ELSE coalesce(decided.next_period, (
      SELECT min(gone.start + decided.span) FROM (
        SELECT bucket.start, sum(bucket.amount) OVER (ORDER BY bucket.start) AS amount
        FROM "tollgate".limit_usage AS bucket
        WHERE bucket.subject = decided.subject AND bucket.unit = decided.source AND bucket.start > decided.since
      ) AS gone WHERE decided.used - gone.amount < decided.max
    )) END,
    at, (SELECT count(*) FROM "tollgate".replicas AS alive WHERE alive.seen_at > at - ttl_ms)
  FROM (VALUES (1)) AS always(one) LEFT JOIN decided ON true; -- a row for the clock, whatever was asked
END
$function$;

CREATE TABLE IF NOT EXISTS "tollgate"."channels" ("id" VARCHAR(32) NOT NULL , "pool" VARCHAR(16) NOT NULL, "name" VARCHAR(255) NOT NULL, "service_type" VARCHAR(16) NOT NULL, "base_url" TEXT NOT NULL DEFAULT '', "website" TEXT NOT NULL DEFAULT '', "description" TEXT NOT NULL DEFAULT '', "status" VARCHAR(16) NOT NULL DEFAULT 'active', "priority" INTEGER NOT NULL DEFAULT 0, "position" INTEGER NOT NULL, "promotion_until" BIGINT, "models" TEXT, "key_balance" VARCHAR(16), "model_mapping" TEXT, "price_multipliers" TEXT, "composite_mappings" TEXT, "content_filter" TEXT, "header_policy" TEXT, "quota_unit" VARCHAR(16), "quota_limit" BIGINT, "quota_models" TEXT, "quota_reset_mode" VARCHAR(16), "quota_reset_at" BIGINT, "quota_reset_every" INTEGER, "quota_reset_unit" VARCHAR(16), "rpm" INTEGER, "queue_timeout_ms" INTEGER, "connect_timeout_ms" INTEGER, "first_byte_timeout_ms" INTEGER, "idle_timeout_ms" INTEGER, "is_tls_insecure" BOOLEAN NOT NULL DEFAULT false, "tls_authorities" TEXT, "oauth" TEXT, "created_at" BIGINT NOT NULL, "updated_at" BIGINT NOT NULL, PRIMARY KEY ("id"));

CREATE TABLE IF NOT EXISTS "tollgate"."channel_keys" ("id" VARCHAR(26) NOT NULL , "channel_id" VARCHAR(32) NOT NULL, "position" INTEGER NOT NULL, "secret" TEXT NOT NULL, "preview" VARCHAR(32) NOT NULL, "created_at" BIGINT NOT NULL, PRIMARY KEY ("id"));

CREATE TABLE IF NOT EXISTS "tollgate"."channel_suspensions" ("channel_id" VARCHAR(32) NOT NULL , "suspended_at" BIGINT NOT NULL, "suspended_until" BIGINT NOT NULL, "reason" VARCHAR(255) NOT NULL, PRIMARY KEY ("channel_id"));

CREATE TABLE IF NOT EXISTS "tollgate"."channel_quota" ("channel_id" VARCHAR(32) NOT NULL , "since" BIGINT NOT NULL, "ends_at" BIGINT, PRIMARY KEY ("channel_id"));

CREATE TABLE IF NOT EXISTS "tollgate"."model_aliases" ("pool" VARCHAR(16) NOT NULL , "value" VARCHAR(255) NOT NULL , "description" TEXT NOT NULL DEFAULT '', "position" INTEGER NOT NULL, PRIMARY KEY ("pool","value"));

CREATE TABLE IF NOT EXISTS "tollgate"."user_aliases" ("user_id" VARCHAR(255) NOT NULL , "alias" VARCHAR(255) NOT NULL UNIQUE, PRIMARY KEY ("user_id"));

CREATE TABLE IF NOT EXISTS "tollgate"."audit_log" ("id" VARCHAR(26) NOT NULL , "at" BIGINT NOT NULL, "actor_id" VARCHAR(26), "actor" VARCHAR(255) NOT NULL, "operation" VARCHAR(64) NOT NULL, "target" VARCHAR(255), "http_status" INTEGER NOT NULL, "error" VARCHAR(64), "request_id" VARCHAR(128) NOT NULL, "before" TEXT, "after" TEXT, PRIMARY KEY ("id"));

CREATE UNIQUE INDEX "channels_name" ON "tollgate"."channels" ("pool", "name");

CREATE INDEX "channel_keys_channel" ON "tollgate"."channel_keys" ("channel_id");

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "channel_id" VARCHAR(32) NOT NULL DEFAULT '';

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "client_id" VARCHAR(255);

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "session_id" VARCHAR(255);

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "effort" VARCHAR(255);

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "lost" TEXT;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "upstream_model" VARCHAR(255);

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "service_tier" VARCHAR(255);

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "upstream_error" TEXT;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "cache_write_1h_tokens" BIGINT NOT NULL DEFAULT 0;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "input_cost" BIGINT;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "cache_read_cost" BIGINT;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "cache_write_cost" BIGINT;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "output_cost" BIGINT;

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "quota" VARCHAR(64);

ALTER TABLE "tollgate"."model_pricing" ADD COLUMN "description" TEXT NOT NULL DEFAULT '';

ALTER TABLE "tollgate"."model_pricing" ADD COLUMN "is_exported" BOOLEAN NOT NULL DEFAULT true;

ALTER TABLE "tollgate"."model_pricing" ADD COLUMN "cache_write_1h" BIGINT;

CREATE TABLE IF NOT EXISTS "tollgate"."tenants" ("id" VARCHAR(26) NOT NULL , "name" VARCHAR(255) NOT NULL UNIQUE, "description" TEXT NOT NULL DEFAULT '', "status" VARCHAR(16) NOT NULL DEFAULT 'active', "budget_5h" BIGINT, "budget_day" BIGINT, "budget_month" BIGINT, "budget_is_calendar" BOOLEAN NOT NULL DEFAULT false, "created_at" BIGINT NOT NULL, "updated_at" BIGINT NOT NULL, PRIMARY KEY ("id"));

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "description" TEXT NOT NULL DEFAULT '';

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "tenant_id" VARCHAR(26);

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "is_tenant_admin" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "allowed_models" TEXT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "allowed_channels" TEXT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "previous_hash" VARCHAR(64);

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "previous_until" BIGINT;

ALTER TABLE "tollgate"."api_keys" ADD COLUMN "updated_at" BIGINT;

CREATE UNIQUE INDEX "api_keys_previous_hash" ON "tollgate"."api_keys" ("previous_hash");

CREATE INDEX "api_keys_tenant" ON "tollgate"."api_keys" ("tenant_id");

CREATE INDEX request_logs_session ON "tollgate".request_logs (session_id, id) WHERE session_id IS NOT NULL;

CREATE INDEX request_logs_errors ON "tollgate".request_logs (id, http_status) WHERE http_status >= 400;

CREATE INDEX request_logs_ended ON "tollgate".request_logs ((admitted_at + duration_ms));

CREATE UNIQUE INDEX request_logs_reported ON "tollgate".request_logs (request_id) WHERE channel_id = 'hook:anthropic';

ALTER TABLE "tollgate"."request_logs" ADD COLUMN "tenant_id" VARCHAR(26);

ALTER TABLE "tollgate"."tenants" ADD COLUMN "reset_at" BIGINT;

CREATE TABLE IF NOT EXISTS "tollgate"."config_backups" ("id" VARCHAR(26) NOT NULL , "created_at" BIGINT NOT NULL, "created_by" VARCHAR(255) NOT NULL, "note" TEXT NOT NULL DEFAULT '', "revision" VARCHAR(32) NOT NULL, "size_bytes" BIGINT NOT NULL, "document" TEXT NOT NULL, PRIMARY KEY ("id"));

CREATE TABLE IF NOT EXISTS "tollgate"."request_bodies" ("id" VARCHAR(26) NOT NULL , "created_at" BIGINT NOT NULL, "request_method" VARCHAR(16) NOT NULL, "request_path" TEXT NOT NULL, "request_headers" TEXT, "request_body" BYTEA, "request_body_bytes" BIGINT NOT NULL, "response_status" INTEGER, "response_headers" TEXT, "response_body" BYTEA, "response_body_bytes" BIGINT NOT NULL, PRIMARY KEY ("id"));

CREATE INDEX request_bodies_whole ON "tollgate".request_bodies (id) WHERE request_body IS NOT NULL;
