-- Services of which more alerts may have fired: a source has found some that name no
-- service and may be theirs.

-- +goose Up
CREATE TABLE alert_doubts (
    source_id  BIGINT NOT NULL,
    service_id BIGINT NOT NULL,
    newest_at  BIGINT NOT NULL,
    PRIMARY KEY (source_id, service_id)
);

-- +goose Down
DROP TABLE alert_doubts;
