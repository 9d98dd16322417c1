-- What sources have found and could not use, and incidents that have ended at a
-- time that is not known.

-- +goose Up
CREATE TABLE uncounted (
    source_id BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    -- The name of a group; empty for the sum of the reason.
    name      TEXT   NOT NULL,
    records   BIGINT NOT NULL,
    PRIMARY KEY (source_id, kind, reason, name)
);
ALTER TABLE incidents ADD COLUMN end_unknown BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE incidents DROP COLUMN end_unknown;
DROP TABLE uncounted;
