-- What is estimated once a month: the effects of reviews, and what goes together with
-- readiness. Every process shows it.

-- +goose Up
CREATE TABLE correlations (
    month         TEXT   NOT NULL, -- 2026-11
    configuration TEXT   NOT NULL, -- the hash of that by which it was made
    made_at       BIGINT NOT NULL,
    body          BYTEA  NOT NULL, -- JSON
    PRIMARY KEY (month, configuration)
);

-- +goose Down
DROP TABLE correlations;
