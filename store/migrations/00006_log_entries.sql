-- What happened to incidents, entry by entry. An entry may be stored before its
-- incident is.

-- +goose Up
CREATE TABLE log_entries (
    source_id   BIGINT NOT NULL,
    id          TEXT   NOT NULL,
    incident_id TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    agent_kind  TEXT   NOT NULL,
    person      TEXT   NOT NULL, -- a keyed hash
    channel     TEXT   NOT NULL,
    assignees   TEXT   NOT NULL, -- a JSON array of keyed hashes
    summary     TEXT   NOT NULL, -- a JSON object; null for none
    PRIMARY KEY (source_id, id)
);
CREATE INDEX log_entries_incident ON log_entries (source_id, incident_id);

-- +goose Down
DROP TABLE log_entries;
