-- One text for SQLite and PostgreSQL. Times are microseconds since the Unix
-- epoch in UTC. Only TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA.
--
-- The schema stays readable by the previous release: a later migration adds
-- tables and nullable or defaulted columns, and never renames, narrows or drops
-- what the release before it reads.

-- +goose Up
CREATE TABLE readiness_owner (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    program TEXT   NOT NULL,
    -- seq numbers the committed transactions. Every writer takes it first, so
    -- that sequences become visible in their order.
    seq     BIGINT NOT NULL
);
INSERT INTO readiness_owner (id, program, seq) VALUES (1, 'readiness collector', 0);

CREATE TABLE services (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE sources  (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE checks   (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE facts (
    id              BIGINT PRIMARY KEY,
    name            TEXT   NOT NULL UNIQUE,
    -- definition_hash tells what the records mean; empty while unknown.
    definition_hash TEXT   NOT NULL DEFAULT ''
);

-- The current value of each fact, one row per service, fact and source.
CREATE TABLE fact_values (
    source_id  BIGINT           NOT NULL,
    fact_id    BIGINT           NOT NULL,
    service_id BIGINT           NOT NULL,
    kind       BIGINT           NOT NULL,
    instant    BOOLEAN          NOT NULL,
    num        DOUBLE PRECISION NOT NULL,
    detail     TEXT             NOT NULL,
    since      BIGINT           NOT NULL,
    changed_at BIGINT           NOT NULL,
    seen_at    BIGINT           NOT NULL,
    -- held_at is when the value was last observed while the service is excepted
    -- from its group; NULL means: whenever the group was.
    held_at    BIGINT,
    -- withdrawn is the reason of a tombstone, empty for a value.
    withdrawn  TEXT             NOT NULL DEFAULT '',
    -- logged_at is the time of the newest row of history, logged whether the
    -- present value is in it.
    logged_at  BIGINT,
    logged     BOOLEAN          NOT NULL,
    seq        BIGINT           NOT NULL,
    PRIMARY KEY (source_id, fact_id, service_id)
);
CREATE INDEX fact_values_seq ON fact_values (seq);
CREATE INDEX fact_values_fact ON fact_values (fact_id, service_id);

CREATE TABLE fact_history (
    fact_id    BIGINT           NOT NULL,
    service_id BIGINT           NOT NULL,
    source_id  BIGINT           NOT NULL,
    from_at    BIGINT           NOT NULL,
    kind       BIGINT           NOT NULL,
    instant    BOOLEAN          NOT NULL,
    num        DOUBLE PRECISION NOT NULL,
    withdrawn  TEXT             NOT NULL DEFAULT '',
    PRIMARY KEY (fact_id, service_id, source_id, from_at)
);
CREATE INDEX fact_history_from ON fact_history (from_at);

-- The newest complete answer of each group of facts.
CREATE TABLE coverage (
    source_id   BIGINT NOT NULL,
    fact_group  TEXT   NOT NULL,
    facts       TEXT   NOT NULL, -- JSON array of names
    observed_at BIGINT NOT NULL,
    run_id      BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    PRIMARY KEY (source_id, fact_group)
);
CREATE TABLE coverage_exceptions (
    source_id  BIGINT NOT NULL,
    fact_group TEXT   NOT NULL,
    service_id BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    PRIMARY KEY (source_id, fact_group, service_id)
);

CREATE TABLE runs (
    id          BIGINT PRIMARY KEY,
    source_id   BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT, -- NULL while it runs
    reason      TEXT   NOT NULL DEFAULT '', -- empty means success
    error       TEXT   NOT NULL DEFAULT '',
    counts      TEXT   NOT NULL DEFAULT '{}' -- JSON object of numbers
);
CREATE INDEX runs_source ON runs (source_id, id);
CREATE INDEX runs_started ON runs (started_at);

CREATE TABLE cursors (
    source_id BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    value     TEXT   NOT NULL,
    PRIMARY KEY (source_id, name)
);

CREATE TABLE incidents (
    num              BIGINT  PRIMARY KEY,
    source_id        BIGINT  NOT NULL,
    id               TEXT    NOT NULL,
    started_at       BIGINT  NOT NULL,
    acknowledged_at  BIGINT,
    acks_known       BOOLEAN NOT NULL,
    resolved_at      BIGINT, -- NULL while open
    resolver         TEXT    NOT NULL,
    urgent           BOOLEAN NOT NULL,
    severity         BIGINT  NOT NULL,
    channel          TEXT    NOT NULL,
    machine_detected BOOLEAN NOT NULL,
    template         TEXT    NOT NULL,
    paged_group      TEXT    NOT NULL,
    maintenance      BOOLEAN NOT NULL,
    links            TEXT    NOT NULL, -- JSON array
    updated_at       BIGINT,
    gone             BOOLEAN NOT NULL,
    seq              BIGINT  NOT NULL,
    UNIQUE (source_id, id)
);
CREATE INDEX incidents_started ON incidents (started_at);
CREATE INDEX incidents_resolved ON incidents (resolved_at);
CREATE INDEX incidents_seq ON incidents (seq);
CREATE TABLE incident_services (
    incident_num BIGINT NOT NULL,
    service_id   BIGINT NOT NULL,
    PRIMARY KEY (incident_num, service_id)
);
CREATE INDEX incident_services_service ON incident_services (service_id);

CREATE TABLE reviews (
    source_id    BIGINT  NOT NULL,
    review_key   TEXT    NOT NULL,
    service_id   BIGINT  NOT NULL,
    status       TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    completed_at BIGINT,
    gone         BOOLEAN NOT NULL,
    seq          BIGINT  NOT NULL,
    PRIMARY KEY (source_id, review_key, service_id)
);

-- The criteria that have been judged by, with the text they were read from.
CREATE TABLE frameworks (
    hash    TEXT  PRIMARY KEY,
    name    TEXT  NOT NULL,
    version TEXT  NOT NULL,
    body    BYTEA NOT NULL
);

-- The last judgement.
CREATE TABLE judgement (
    id             BIGINT PRIMARY KEY CHECK (id = 1),
    at             BIGINT NOT NULL,
    framework_hash TEXT   NOT NULL,
    activated_at   BIGINT NOT NULL,
    seq            BIGINT NOT NULL
);

CREATE TABLE badges (
    service_id     BIGINT  PRIMARY KEY,
    badge          BIGINT  NOT NULL,
    since          BIGINT  NOT NULL,
    first_judged   BIGINT  NOT NULL,
    on_hold        BOOLEAN NOT NULL,
    framework_hash TEXT    NOT NULL,
    -- judged_at is NULL while the service is part of every judgement, so that a
    -- judgement that changes nothing writes nothing here.
    judged_at      BIGINT,
    state          TEXT    NOT NULL, -- JSON
    seq            BIGINT  NOT NULL
);
CREATE TABLE badge_support (
    service_id     BIGINT PRIMARY KEY,
    framework_hash TEXT   NOT NULL,
    judged_at      BIGINT, -- as in badges
    basis          TEXT   NOT NULL, -- JSON
    -- before is what last proved the badges between the one held and the one
    -- that is being proved, as JSON by badge.
    before         TEXT   NOT NULL DEFAULT '{}',
    seq            BIGINT NOT NULL
);

CREATE TABLE transitions (
    seq          BIGINT  NOT NULL,
    ord          BIGINT  NOT NULL,
    service_id   BIGINT  NOT NULL,
    at           BIGINT  NOT NULL,
    from_badge   BIGINT  NOT NULL,
    to_badge     BIGINT  NOT NULL,
    direction    TEXT    NOT NULL,
    cause        TEXT    NOT NULL,
    contributing TEXT    NOT NULL, -- JSON array
    announced    BOOLEAN NOT NULL,
    flips        TEXT    NOT NULL, -- JSON array
    PRIMARY KEY (seq, ord)
);
CREATE INDEX transitions_at ON transitions (at);
CREATE INDEX transitions_service ON transitions (service_id, at);
-- Counters outlive the transitions they count.
CREATE TABLE transition_counts (
    direction TEXT   NOT NULL,
    cause     TEXT   NOT NULL,
    total     BIGINT NOT NULL,
    PRIMARY KEY (direction, cause)
);

CREATE TABLE check_statuses (
    service_id BIGINT NOT NULL,
    check_id   BIGINT NOT NULL,
    status     TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    PRIMARY KEY (service_id, check_id)
);
-- The statuses of before, each with the span it lasted.
CREATE TABLE check_status_history (
    service_id BIGINT NOT NULL,
    check_id   BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    status     TEXT   NOT NULL,
    PRIMARY KEY (service_id, check_id, since)
);
CREATE INDEX check_status_history_until ON check_status_history (until);

CREATE TABLE voids (
    service_id BIGINT NOT NULL,
    check_id   BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (service_id, check_id)
);

-- +goose Down
DROP TABLE voids;
DROP TABLE check_status_history;
DROP TABLE check_statuses;
DROP TABLE transition_counts;
DROP TABLE transitions;
DROP TABLE badge_support;
DROP TABLE badges;
DROP TABLE judgement;
DROP TABLE frameworks;
DROP TABLE reviews;
DROP TABLE incident_services;
DROP TABLE incidents;
DROP TABLE cursors;
DROP TABLE runs;
DROP TABLE coverage_exceptions;
DROP TABLE coverage;
DROP TABLE fact_history;
DROP TABLE fact_values;
DROP TABLE facts;
DROP TABLE checks;
DROP TABLE sources;
DROP TABLE services;
DROP TABLE readiness_owner;
