-- Generated from the migrations by npm run generate, for people and for comparison. It is what they execute on an empty
-- database; tollgate schema up is what makes and upgrades one.

CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(255) PRIMARY KEY, min_reader INTEGER NOT NULL, applied_at BIGINT NOT NULL);

CREATE TABLE IF NOT EXISTS `api_keys` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `name` VARCHAR(255) NOT NULL, `hash` VARCHAR(64) NOT NULL UNIQUE, `prefix` VARCHAR(16) NOT NULL, `status` VARCHAR(16) NOT NULL DEFAULT 'active', `is_admin` TINYINT(1) NOT NULL DEFAULT 0, `model` VARCHAR(255), `token_limit` BIGINT, `rpm` INTEGER, `expires_at` BIGINT, `allowed_endpoints` TEXT, `created_at` BIGINT NOT NULL, `last_used_at` BIGINT, `lifetime_tokens` BIGINT NOT NULL DEFAULT 0);

CREATE UNIQUE INDEX `api_keys_name` ON `api_keys` (`name`) WHERE `status` IN ('active', 'disabled');

CREATE TABLE IF NOT EXISTS `usage_windows` (`key_id` VARCHAR(26) NOT NULL, `minute` BIGINT NOT NULL, `tokens` BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (`key_id`, `minute`));

CREATE TABLE IF NOT EXISTS `request_logs` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `request_id` VARCHAR(128) NOT NULL, `key_id` VARCHAR(26) NOT NULL, `endpoint` VARCHAR(255) NOT NULL, `model` VARCHAR(255), `stream` TINYINT(1) NOT NULL, `channel` VARCHAR(255) NOT NULL, `status` VARCHAR(16) NOT NULL, `http_status` INTEGER NOT NULL, `error` VARCHAR(255), `metering` VARCHAR(16) NOT NULL, `input_tokens` BIGINT NOT NULL DEFAULT 0, `cache_read_tokens` BIGINT NOT NULL DEFAULT 0, `cache_write_tokens` BIGINT NOT NULL DEFAULT 0, `output_tokens` BIGINT NOT NULL DEFAULT 0, `reasoning_tokens` BIGINT NOT NULL DEFAULT 0, `spend_tokens` BIGINT NOT NULL DEFAULT 0, `admitted_at` BIGINT NOT NULL, `first_byte_ms` INTEGER, `duration_ms` INTEGER NOT NULL, `attempts` TEXT);

CREATE INDEX `request_logs_key` ON `request_logs` (`key_id`, `id`);

CREATE TABLE IF NOT EXISTS `settings` (`name` VARCHAR(64) NOT NULL PRIMARY KEY, `value` TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS `usage_stats` (`resolution` VARCHAR(8) NOT NULL, `start` BIGINT NOT NULL, `key_id` VARCHAR(26) NOT NULL, `model` VARCHAR(255) NOT NULL, `channel` VARCHAR(255) NOT NULL, `calls` BIGINT NOT NULL DEFAULT 0, `failed_calls` BIGINT NOT NULL DEFAULT 0, `input_tokens` BIGINT NOT NULL DEFAULT 0, `cache_read_tokens` BIGINT NOT NULL DEFAULT 0, `cache_write_tokens` BIGINT NOT NULL DEFAULT 0, `output_tokens` BIGINT NOT NULL DEFAULT 0, `reasoning_tokens` BIGINT NOT NULL DEFAULT 0, `spend_tokens` BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (`resolution`, `start`, `key_id`, `model`, `channel`));

ALTER TABLE `request_logs` ADD `replaced` TEXT;

ALTER TABLE `api_keys` ADD `budget_5h` BIGINT;

ALTER TABLE `api_keys` ADD `budget_day` BIGINT;

ALTER TABLE `api_keys` ADD `budget_month` BIGINT;

ALTER TABLE `api_keys` ADD `reset_at` BIGINT;

ALTER TABLE `api_keys` ADD `budget_is_calendar` TINYINT(1) NOT NULL DEFAULT 0;

ALTER TABLE `request_logs` ADD `cost_nano_usd` BIGINT;

ALTER TABLE `usage_stats` ADD `cost_nano_usd` BIGINT NOT NULL DEFAULT 0;

CREATE TABLE IF NOT EXISTS `limit_buckets` (`subject` VARCHAR(64) NOT NULL, `unit` VARCHAR(16) NOT NULL, `start` BIGINT NOT NULL, `amount` BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (`subject`, `unit`, `start`));

CREATE TABLE IF NOT EXISTS `model_pricing` (`model` VARCHAR(255) NOT NULL PRIMARY KEY, `input` BIGINT NOT NULL DEFAULT 0, `cache_read` BIGINT NOT NULL DEFAULT 0, `cache_write` BIGINT NOT NULL DEFAULT 0, `output` BIGINT NOT NULL DEFAULT 0);

CREATE TABLE IF NOT EXISTS `auth_blocks` (`address` VARCHAR(64) NOT NULL PRIMARY KEY, `failures` INTEGER NOT NULL DEFAULT 0, `failed_at` BIGINT NOT NULL DEFAULT 0, `blocked_until` BIGINT NOT NULL DEFAULT 0);

CREATE INDEX `auth_blocks_until` ON `auth_blocks` (`blocked_until`);

CREATE VIEW limit_usage AS
       SELECT key_id AS subject, 'tokens' AS unit, minute AS start, tokens AS amount FROM usage_windows
       UNION ALL SELECT subject, unit, start, amount FROM limit_buckets;

CREATE TABLE IF NOT EXISTS `channels` (`id` VARCHAR(32) NOT NULL PRIMARY KEY, `pool` VARCHAR(16) NOT NULL, `name` VARCHAR(255) NOT NULL, `service_type` VARCHAR(16) NOT NULL, `base_url` TEXT NOT NULL DEFAULT '', `website` TEXT NOT NULL DEFAULT '', `description` TEXT NOT NULL DEFAULT '', `status` VARCHAR(16) NOT NULL DEFAULT 'active', `priority` INTEGER NOT NULL DEFAULT 0, `position` INTEGER NOT NULL, `promotion_until` BIGINT, `models` TEXT, `key_balance` VARCHAR(16), `model_mapping` TEXT, `price_multipliers` TEXT, `composite_mappings` TEXT, `content_filter` TEXT, `header_policy` TEXT, `quota_unit` VARCHAR(16), `quota_limit` BIGINT, `quota_models` TEXT, `quota_reset_mode` VARCHAR(16), `quota_reset_at` BIGINT, `quota_reset_every` INTEGER, `quota_reset_unit` VARCHAR(16), `rpm` INTEGER, `queue_timeout_ms` INTEGER, `connect_timeout_ms` INTEGER, `first_byte_timeout_ms` INTEGER, `idle_timeout_ms` INTEGER, `is_tls_insecure` TINYINT(1) NOT NULL DEFAULT 0, `tls_authorities` TEXT, `oauth` TEXT, `created_at` BIGINT NOT NULL, `updated_at` BIGINT NOT NULL);

CREATE TABLE IF NOT EXISTS `channel_keys` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `channel_id` VARCHAR(32) NOT NULL, `position` INTEGER NOT NULL, `secret` TEXT NOT NULL, `preview` VARCHAR(32) NOT NULL, `created_at` BIGINT NOT NULL);

CREATE TABLE IF NOT EXISTS `channel_suspensions` (`channel_id` VARCHAR(32) NOT NULL PRIMARY KEY, `suspended_at` BIGINT NOT NULL, `suspended_until` BIGINT NOT NULL, `reason` VARCHAR(255) NOT NULL);

CREATE TABLE IF NOT EXISTS `channel_quota` (`channel_id` VARCHAR(32) NOT NULL PRIMARY KEY, `since` BIGINT NOT NULL, `ends_at` BIGINT);

CREATE TABLE IF NOT EXISTS `model_aliases` (`pool` VARCHAR(16) NOT NULL, `value` VARCHAR(255) NOT NULL, `description` TEXT NOT NULL DEFAULT '', `position` INTEGER NOT NULL, PRIMARY KEY (`pool`, `value`));

CREATE TABLE IF NOT EXISTS `user_aliases` (`user_id` VARCHAR(255) NOT NULL PRIMARY KEY, `alias` VARCHAR(255) NOT NULL UNIQUE);

CREATE TABLE IF NOT EXISTS `audit_log` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `at` BIGINT NOT NULL, `actor_id` VARCHAR(26), `actor` VARCHAR(255) NOT NULL, `operation` VARCHAR(64) NOT NULL, `target` VARCHAR(255), `http_status` INTEGER NOT NULL, `error` VARCHAR(64), `request_id` VARCHAR(128) NOT NULL, `before` TEXT, `after` TEXT);

CREATE UNIQUE INDEX `channels_name` ON `channels` (`pool`, `name`);

CREATE INDEX `channel_keys_channel` ON `channel_keys` (`channel_id`);

ALTER TABLE `request_logs` ADD `channel_id` VARCHAR(32) NOT NULL DEFAULT '';

ALTER TABLE `request_logs` ADD `client_id` VARCHAR(255);

ALTER TABLE `request_logs` ADD `session_id` VARCHAR(255);

ALTER TABLE `request_logs` ADD `effort` VARCHAR(255);

ALTER TABLE `request_logs` ADD `lost` TEXT;

ALTER TABLE `request_logs` ADD `upstream_model` VARCHAR(255);

ALTER TABLE `request_logs` ADD `service_tier` VARCHAR(255);

ALTER TABLE `request_logs` ADD `upstream_error` TEXT;

ALTER TABLE `request_logs` ADD `cache_write_1h_tokens` BIGINT NOT NULL DEFAULT 0;

ALTER TABLE `request_logs` ADD `input_cost` BIGINT;

ALTER TABLE `request_logs` ADD `cache_read_cost` BIGINT;

ALTER TABLE `request_logs` ADD `cache_write_cost` BIGINT;

ALTER TABLE `request_logs` ADD `output_cost` BIGINT;

ALTER TABLE `request_logs` ADD `quota` VARCHAR(64);

ALTER TABLE `model_pricing` ADD `description` TEXT NOT NULL DEFAULT '';

ALTER TABLE `model_pricing` ADD `is_exported` TINYINT(1) NOT NULL DEFAULT 1;

ALTER TABLE `model_pricing` ADD `cache_write_1h` BIGINT;

CREATE TABLE IF NOT EXISTS `tenants` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `name` VARCHAR(255) NOT NULL UNIQUE, `description` TEXT NOT NULL DEFAULT '', `status` VARCHAR(16) NOT NULL DEFAULT 'active', `budget_5h` BIGINT, `budget_day` BIGINT, `budget_month` BIGINT, `budget_is_calendar` TINYINT(1) NOT NULL DEFAULT 0, `created_at` BIGINT NOT NULL, `updated_at` BIGINT NOT NULL);

ALTER TABLE `api_keys` ADD `description` TEXT NOT NULL DEFAULT '';

ALTER TABLE `api_keys` ADD `tenant_id` VARCHAR(26);

ALTER TABLE `api_keys` ADD `is_tenant_admin` TINYINT(1) NOT NULL DEFAULT 0;

ALTER TABLE `api_keys` ADD `allowed_models` TEXT;

ALTER TABLE `api_keys` ADD `allowed_channels` TEXT;

ALTER TABLE `api_keys` ADD `previous_hash` VARCHAR(64);

ALTER TABLE `api_keys` ADD `previous_until` BIGINT;

ALTER TABLE `api_keys` ADD `updated_at` BIGINT;

CREATE UNIQUE INDEX `api_keys_previous_hash` ON `api_keys` (`previous_hash`);

CREATE INDEX `api_keys_tenant` ON `api_keys` (`tenant_id`);

CREATE INDEX request_logs_session ON request_logs (session_id, id) WHERE session_id IS NOT NULL;

CREATE INDEX request_logs_errors ON request_logs (id, http_status) WHERE http_status >= 400;

CREATE INDEX request_logs_ended ON request_logs ((admitted_at + duration_ms));

CREATE UNIQUE INDEX request_logs_reported ON request_logs (request_id) WHERE channel_id = 'hook:anthropic';

ALTER TABLE `request_logs` ADD `tenant_id` VARCHAR(26);

ALTER TABLE `tenants` ADD `reset_at` BIGINT;

CREATE TABLE IF NOT EXISTS `config_backups` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `created_at` BIGINT NOT NULL, `created_by` VARCHAR(255) NOT NULL, `note` TEXT NOT NULL DEFAULT '', `revision` VARCHAR(32) NOT NULL, `size_bytes` BIGINT NOT NULL, `document` TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS `request_bodies` (`id` VARCHAR(26) NOT NULL PRIMARY KEY, `created_at` BIGINT NOT NULL, `request_method` VARCHAR(16) NOT NULL, `request_path` TEXT NOT NULL, `request_headers` TEXT, `request_body` BLOB, `request_body_bytes` BIGINT NOT NULL, `response_status` INTEGER, `response_headers` TEXT, `response_body` BLOB, `response_body_bytes` BIGINT NOT NULL);

CREATE INDEX request_bodies_whole ON request_bodies (id) WHERE request_body IS NOT NULL;
