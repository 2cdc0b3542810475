-- One growing sequence of fences over all changes, so that of two writes to one target the later worker's has the higher one.
-- (Before, each change counted its own.)
CREATE TABLE fences (
    -- One row.
    id BIGINT PRIMARY KEY,
    highest BIGINT NOT NULL
);
INSERT INTO fences (id, highest) SELECT 1, COALESCE(MAX(fence), 0) FROM changes;
