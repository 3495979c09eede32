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
