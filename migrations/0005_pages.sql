-- Pages and their deliveries: the outbox that the paging worker sends from. (migrations/README.md has the portable subset.)

CREATE TABLE pages (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    -- As it was asked for: `olivia`, `on-call:platform/primary`.
    target TEXT NOT NULL,
    -- Names, as JSON: the persons of that moment, and those of them whom no channel reaches.
    people TEXT NOT NULL,
    unreached TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- An incident's label.
    incident TEXT,
    person TEXT NOT NULL,
    at BIGINT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT
);

CREATE TABLE page_deliveries (
    id TEXT PRIMARY KEY,
    page_id TEXT NOT NULL REFERENCES pages (id),
    position BIGINT NOT NULL,
    person TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Counted before each try, so that a crash in one costs it.
    tries BIGINT NOT NULL,
    -- When it may be tried; after its end it stays as it was.
    next_at BIGINT NOT NULL,
    -- Who tries it, and until when nobody else does.
    owner TEXT NOT NULL,
    leased_until BIGINT NOT NULL,
    ended_at BIGINT,
    detail TEXT NOT NULL
);
CREATE INDEX page_deliveries_by_page ON page_deliveries (page_id, position);
CREATE INDEX page_deliveries_by_state ON page_deliveries (state, next_at);
