-- How many issues say what about which check, by the source that counted them.

-- +goose Up
CREATE TABLE feedback (
    source_id BIGINT NOT NULL,
    check_id  BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    issues    BIGINT NOT NULL,
    PRIMARY KEY (source_id, check_id, kind)
);

-- +goose Down
DROP TABLE feedback;
