-- The key that people know a review by, whose identity is the id of its ticket, in
-- review_key: keys change when tickets move. The keys that an incident had before.

-- +goose Up
ALTER TABLE reviews ADD COLUMN issue_key TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN former_keys TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE incidents DROP COLUMN former_keys;
ALTER TABLE reviews DROP COLUMN issue_key;
