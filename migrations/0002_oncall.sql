-- Who is on call and how severe problems are. The portable subset of migrations/README.md.

-- Shifts that have begun, as they were: an edited rotation does not change them.
CREATE TABLE shifts (
    rotation TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    -- Each role with its participant, as JSON.
    roles TEXT NOT NULL,
    -- The version of the configuration that it was computed by.
    catalog TEXT NOT NULL,
    PRIMARY KEY (rotation, starts)
);

-- One that was taken back before it began is empty: it ends where it starts.
CREATE TABLE overrides (
    id TEXT PRIMARY KEY,
    rotation TEXT NOT NULL,
    role TEXT NOT NULL,
    participant TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    reason TEXT NOT NULL,
    person TEXT NOT NULL,
    at BIGINT NOT NULL,
    swap_id TEXT,
    undone_at BIGINT,
    undone_by TEXT
);
CREATE INDEX overrides_by_rotation ON overrides (rotation, ends);

CREATE TABLE swaps (
    id TEXT PRIMARY KEY,
    rotation TEXT NOT NULL,
    role TEXT NOT NULL,
    person TEXT NOT NULL,
    counterpart TEXT NOT NULL,
    give_starts BIGINT NOT NULL,
    give_ends BIGINT NOT NULL,
    take_starts BIGINT NOT NULL,
    take_ends BIGINT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT
);
CREATE INDEX swaps_by_state ON swaps (state, rotation);

CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    -- Names, as JSON.
    components TEXT NOT NULL,
    summary TEXT NOT NULL,
    state TEXT NOT NULL,
    team TEXT,
    opened_at BIGINT NOT NULL,
    opened_by TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    calendar_version TEXT,
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    resolved_at BIGINT,
    resolved_by TEXT,
    breached_at BIGINT
);
CREATE INDEX incidents_by_state ON incidents (state, number);

CREATE TABLE incident_entries (
    incident_id TEXT NOT NULL REFERENCES incidents (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (incident_id, seq)
);

-- What was told of a timer, so that it is told once.
CREATE TABLE incident_marks (
    incident_id TEXT NOT NULL REFERENCES incidents (id),
    severity TEXT NOT NULL,
    mark TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (incident_id, severity, mark)
);

-- What a key made that is not a change.
CREATE TABLE created_by_key (
    person TEXT NOT NULL,
    key TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    target TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (person, key)
);
