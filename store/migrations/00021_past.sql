-- What is needed to judge the past again: when groups of facts were answered and for whom
-- not, when judging ran, what the services were and which exemptions there were. A span is
-- stored when it ends; the present one is in the row of the present. Columns are NULL in
-- what was stored before.

-- +goose Up
-- since is when the value began, where that is not from_at.
ALTER TABLE fact_history ADD COLUMN since BIGINT;
ALTER TABLE coverage ADD COLUMN since_at BIGINT;
ALTER TABLE coverage_exceptions ADD COLUMN since_at BIGINT;
ALTER TABLE coverage_exceptions ADD COLUMN held_at BIGINT;
ALTER TABLE judgement ADD COLUMN judging_since BIGINT;
CREATE TABLE coverage_spans (
    source_id  BIGINT NOT NULL,
    fact_group TEXT   NOT NULL,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    PRIMARY KEY (source_id, fact_group, from_at)
);
CREATE INDEX coverage_spans_until ON coverage_spans (until_at);
CREATE TABLE exception_spans (
    source_id  BIGINT NOT NULL,
    fact_group TEXT   NOT NULL,
    service_id BIGINT NOT NULL,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    -- held_at is when the group was last answered before.
    held_at    BIGINT,
    reason     TEXT   NOT NULL,
    PRIMARY KEY (source_id, fact_group, service_id, from_at)
);
CREATE INDEX exception_spans_until ON exception_spans (until_at);
CREATE TABLE judging_spans (
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (from_at)
);
CREATE TABLE subject_history (
    service_id BIGINT NOT NULL,
    from_at    BIGINT NOT NULL,
    subject    TEXT   NOT NULL, -- JSON
    PRIMARY KEY (service_id, from_at)
);
CREATE TABLE exemption_history (
    from_at    BIGINT NOT NULL,
    exemptions TEXT   NOT NULL, -- JSON array
    PRIMARY KEY (from_at)
);

-- +goose Down
DROP TABLE exemption_history;
DROP TABLE subject_history;
DROP TABLE judging_spans;
DROP TABLE exception_spans;
DROP TABLE coverage_spans;
ALTER TABLE judgement DROP COLUMN judging_since;
ALTER TABLE coverage_exceptions DROP COLUMN held_at;
ALTER TABLE coverage_exceptions DROP COLUMN since_at;
ALTER TABLE coverage DROP COLUMN since_at;
ALTER TABLE fact_history DROP COLUMN since;
