-- Exemptions that were asked for with a ticket and approved by a second person.

-- +goose Up
CREATE TABLE ticket_exemptions (
    source_id  BIGINT NOT NULL,
    ticket     TEXT    NOT NULL, -- the id, which never changes
    service_id BIGINT  NOT NULL,
    check_id   BIGINT  NOT NULL,
    issue_key  TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    approved   BIGINT  NOT NULL,
    expires    BIGINT  NOT NULL,
    PRIMARY KEY (source_id, ticket, service_id, check_id)
);

-- +goose Down
DROP TABLE ticket_exemptions;
