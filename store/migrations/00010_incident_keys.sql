-- The name that people know an incident by, where its identity is another one: the key
-- of a Jira issue, which changes when the issue moves.

-- +goose Up
ALTER TABLE incidents ADD COLUMN issue_key TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE incidents DROP COLUMN issue_key;
