-- What a process that follows another asks each second, and each evaluation, must
-- not read whole tables: the statuses of checks alone are 72 rows for each service.

-- +goose Up
CREATE INDEX badges_seq ON badges (seq);
CREATE INDEX check_statuses_seq ON check_statuses (seq);
CREATE INDEX reviews_seq ON reviews (seq);

-- +goose Down
DROP INDEX reviews_seq;
DROP INDEX check_statuses_seq;
DROP INDEX badges_seq;
