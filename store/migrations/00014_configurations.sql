-- The configuration that the last judgement was made by, and when it was loaded, so
-- that of two processes with different configurations only the newer one judges.

-- +goose Up
ALTER TABLE judgement ADD COLUMN configuration TEXT NOT NULL DEFAULT '';
ALTER TABLE judgement ADD COLUMN configured_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN version TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE runs DROP COLUMN version;
ALTER TABLE judgement DROP COLUMN configuration;
ALTER TABLE judgement DROP COLUMN configured_at;
