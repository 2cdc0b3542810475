-- What the worker saw of a change, what it decided, and what the API server answered: for `--explain`. Nothing decides by it.
CREATE TABLE change_log (
    change_id TEXT NOT NULL REFERENCES changes (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (change_id, seq)
);
