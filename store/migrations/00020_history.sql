-- How a badge came to be: the criteria of each change, the holds that have ended, and when
-- other criteria came into force. What was stored before is not known.

-- +goose Up
ALTER TABLE transitions ADD COLUMN framework TEXT NOT NULL DEFAULT ''; -- name and version
CREATE TABLE badge_holds (
    service_id BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    PRIMARY KEY (service_id, since)
);
CREATE INDEX badge_holds_until ON badge_holds (until);
CREATE TABLE framework_changes (
    at      BIGINT NOT NULL,
    name    TEXT   NOT NULL,
    version TEXT   NOT NULL,
    hash    TEXT   NOT NULL,
    PRIMARY KEY (at)
);

-- +goose Down
DROP TABLE framework_changes;
DROP TABLE badge_holds;
ALTER TABLE transitions DROP COLUMN framework;
