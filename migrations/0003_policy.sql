-- Stops of changes, and the reviews of those that were let through alone. (migrations/README.md has the portable subset.)

CREATE TABLE freezes (
    id TEXT PRIMARY KEY,
    -- `environment`, then with its name; or `production`: all of them.
    scope TEXT NOT NULL,
    environment TEXT,
    reason TEXT NOT NULL,
    starts BIGINT NOT NULL,
    -- NULL: until somebody lifts it.
    ends BIGINT,
    person TEXT NOT NULL,
    at BIGINT NOT NULL,
    lifted_at BIGINT,
    lifted_by TEXT,
    lift_reason TEXT,
    -- A POST with the same key is the same freeze.
    key TEXT,
    body_sha256 TEXT,
    UNIQUE (person, key)
);

-- A broken glass: at most one for each change.
CREATE TABLE reviews (
    id TEXT PRIMARY KEY,
    change_id TEXT NOT NULL UNIQUE REFERENCES changes (id),
    person TEXT NOT NULL,
    authority TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    closed_at BIGINT,
    closed_by TEXT,
    note TEXT
);
