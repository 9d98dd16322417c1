-- One observation a day of facts whose mean is asked over longer than their
-- source remembers. day counts from the Unix epoch in UTC.

-- +goose Up
CREATE TABLE fact_days (
    source_id  BIGINT           NOT NULL,
    fact_id    BIGINT           NOT NULL,
    day        BIGINT           NOT NULL,
    service_id BIGINT           NOT NULL,
    num        DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (source_id, fact_id, day, service_id)
);

-- +goose Down
DROP TABLE fact_days;
