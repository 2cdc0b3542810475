-- Several promotions that are planned and decided on together. What a train does is what its changes do: it has no state of its own.
CREATE TABLE trains (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    environment TEXT NOT NULL,
    source TEXT NOT NULL,
    requester TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,
    requested_at BIGINT NOT NULL
);

ALTER TABLE changes ADD COLUMN train TEXT;
CREATE INDEX changes_by_train ON changes (train);

-- What the voter held on call at that moment, as JSON; nothing in votes of before.
ALTER TABLE votes ADD COLUMN duties TEXT;

-- The incident that set it, where one did.
ALTER TABLE freezes ADD COLUMN incident TEXT;
