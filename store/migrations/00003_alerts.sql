-- When alerts fired, when their source was watching, and for which services.

-- +goose Up
CREATE TABLE alert_firings (
    num         BIGINT  PRIMARY KEY,
    source_id   BIGINT  NOT NULL,
    fingerprint TEXT    NOT NULL,
    started_at  BIGINT  NOT NULL,
    ended_at    BIGINT, -- NULL while it fires
    alert       TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    paging      BOOLEAN NOT NULL,
    seq         BIGINT  NOT NULL,
    UNIQUE (source_id, fingerprint, started_at)
);
CREATE INDEX alert_firings_ended ON alert_firings (ended_at);
CREATE INDEX alert_firings_seq ON alert_firings (seq);
CREATE TABLE alert_firing_services (
    firing_num BIGINT NOT NULL,
    service_id BIGINT NOT NULL,
    PRIMARY KEY (firing_num, service_id)
);

-- When a source was seen to be watching. A span grows at its end, so that a
-- round that follows the one before writes no new row.
CREATE TABLE alert_spans (
    source_id BIGINT NOT NULL,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT NOT NULL,
    PRIMARY KEY (source_id, from_at)
);
-- Since when the alerts of a service have been looked for, and by what it is
-- known.
CREATE TABLE alert_services (
    source_id  BIGINT NOT NULL,
    service_id BIGINT NOT NULL,
    known_by   TEXT   NOT NULL,
    since_at   BIGINT NOT NULL,
    PRIMARY KEY (source_id, service_id)
);

-- +goose Down
DROP TABLE alert_services;
DROP TABLE alert_spans;
DROP TABLE alert_firing_services;
DROP TABLE alert_firings;
