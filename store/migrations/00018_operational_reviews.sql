-- Operational reviews as they were made, so that every process can show them.

-- +goose Up
CREATE TABLE operational_reviews (
    name    TEXT   PRIMARY KEY, -- of the period: 2026-W47
    kind    TEXT   NOT NULL,
    from_at BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    body    BYTEA  NOT NULL -- JSON
);

-- +goose Down
DROP TABLE operational_reviews;
