-- Whether the records of a group tell themselves when they were observed.

-- +goose Up
ALTER TABLE coverage ADD COLUMN dated BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE coverage DROP COLUMN dated;
