-- How often an incident notified people, by the hour of each of them. What was stored
-- before is not known.

-- +goose Up
ALTER TABLE incidents ADD COLUMN interruptions_known    BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE incidents ADD COLUMN business_interruptions BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN off_interruptions      BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN sleep_interruptions    BIGINT  NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE incidents DROP COLUMN sleep_interruptions;
ALTER TABLE incidents DROP COLUMN off_interruptions;
ALTER TABLE incidents DROP COLUMN business_interruptions;
ALTER TABLE incidents DROP COLUMN interruptions_known;
