-- Services of which a source may know more incidents: it has found some that may be
-- theirs and could not be used.

-- +goose Up
CREATE TABLE incident_doubts (
    source_id  BIGINT  NOT NULL,
    service_id BIGINT  NOT NULL,
    newest_at  BIGINT  NOT NULL,
    is_open    BOOLEAN NOT NULL,
    PRIMARY KEY (source_id, service_id)
);

-- +goose Down
DROP TABLE incident_doubts;
