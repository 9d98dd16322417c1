-- Incidents that were merged into another, and acknowledgements by machines.

-- +goose Up
ALTER TABLE incidents ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN machine_acknowledged_at BIGINT;

-- +goose Down
ALTER TABLE incidents DROP COLUMN machine_acknowledged_at;
ALTER TABLE incidents DROP COLUMN merged_into;
