-- The portable subset (migrations/README.md): TEXT, BIGINT, DOUBLE PRECISION; times in epoch milliseconds; documents as JSON in TEXT.

CREATE TABLE changes (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    component TEXT NOT NULL,
    environment TEXT NOT NULL,
    requester TEXT NOT NULL,
    plan TEXT NOT NULL,
    digest TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    outcome TEXT,
    -- Which worker drives it, until when, and how often it was taken up.
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    fence BIGINT NOT NULL
);
CREATE INDEX changes_by_place ON changes (environment, component, number);
CREATE INDEX changes_by_state ON changes (state, number);

CREATE TABLE change_steps (
    change_id TEXT NOT NULL REFERENCES changes (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    started BIGINT,
    finished BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (change_id, name)
);

-- The journal of a change's one write: the exact bytes, before they are sent.
CREATE TABLE change_writes (
    change_id TEXT PRIMARY KEY REFERENCES changes (id),
    resource_version TEXT NOT NULL,
    bytes TEXT NOT NULL,
    tries BIGINT NOT NULL,
    intended_at BIGINT NOT NULL,
    generation BIGINT,
    spec_hash TEXT,
    applied_at BIGINT
);

CREATE TABLE votes (
    change_id TEXT NOT NULL REFERENCES changes (id),
    person TEXT NOT NULL,
    vote TEXT NOT NULL,
    at BIGINT NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (change_id, person)
);

CREATE TABLE idempotency (
    person TEXT NOT NULL,
    key TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    change_id TEXT NOT NULL REFERENCES changes (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (person, key)
);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    component TEXT NOT NULL,
    environment TEXT NOT NULL,
    object_uid TEXT NOT NULL,
    revision BIGINT NOT NULL,
    image TEXT NOT NULL,
    digest TEXT,
    change_id TEXT,
    person TEXT,
    commit_id TEXT,
    cause TEXT,
    template TEXT NOT NULL,
    at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    duration_s BIGINT,
    UNIQUE (environment, component, object_uid, revision)
);

CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    component TEXT NOT NULL,
    environment TEXT NOT NULL,
    image TEXT NOT NULL,
    digest TEXT,
    change_id TEXT NOT NULL,
    person TEXT NOT NULL,
    at BIGINT NOT NULL,
    lifted_at BIGINT,
    lifted_by TEXT,
    lift_reason TEXT
);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT
);

CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    token_id TEXT
);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    via TEXT NOT NULL,
    what TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
);
