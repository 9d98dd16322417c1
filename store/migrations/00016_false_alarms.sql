-- What says whether an incident was one: its tickets, and the word of people. 0 is not
-- known, 1 no, 2 yes; what was stored before is not known.

-- +goose Up
ALTER TABLE incidents ADD COLUMN has_ticket  BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN false_alarm BIGINT NOT NULL DEFAULT 0;
-- words identifies what was looked for in the text of a note, which is not stored.
ALTER TABLE log_entries ADD COLUMN words       TEXT    NOT NULL DEFAULT '';
ALTER TABLE log_entries ADD COLUMN false_alarm BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE log_entries DROP COLUMN false_alarm;
ALTER TABLE log_entries DROP COLUMN words;
ALTER TABLE incidents DROP COLUMN false_alarm;
ALTER TABLE incidents DROP COLUMN has_ticket;
