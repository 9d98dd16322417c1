-- What people and policies did to an incident, when it was noticed, and why it
-- is gone. Defaults keep the rows of before as they were read.

-- +goose Up
ALTER TABLE incidents ADD COLUMN detected_at   BIGINT;
ALTER TABLE incidents ADD COLUMN priority      TEXT   NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN escalations   BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN reassignments BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN notes         BIGINT NOT NULL DEFAULT 0;
-- responders is a JSON array of keyed hashes.
ALTER TABLE incidents ADD COLUMN responders    TEXT   NOT NULL DEFAULT '[]';
ALTER TABLE incidents ADD COLUMN gone_why      TEXT   NOT NULL DEFAULT '';

-- Random keys the program makes for itself, such as the one that people are
-- hashed with.
CREATE TABLE keys (
    name  TEXT  PRIMARY KEY,
    value BYTEA NOT NULL
);

-- +goose Down
DROP TABLE keys;
ALTER TABLE incidents DROP COLUMN gone_why;
ALTER TABLE incidents DROP COLUMN responders;
ALTER TABLE incidents DROP COLUMN notes;
ALTER TABLE incidents DROP COLUMN reassignments;
ALTER TABLE incidents DROP COLUMN escalations;
ALTER TABLE incidents DROP COLUMN priority;
ALTER TABLE incidents DROP COLUMN detected_at;
