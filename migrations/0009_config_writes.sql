-- The journal of the ConfigMaps that a rollback brings back: as change_writes, one row for each, in the order in which they are written.
CREATE TABLE change_config_writes (
    change_id TEXT NOT NULL REFERENCES changes (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- Empty: it is made anew, or the cluster refused these bytes whole.
    resource_version TEXT NOT NULL,
    bytes TEXT NOT NULL,
    tries BIGINT NOT NULL,
    intended_at BIGINT NOT NULL,
    applied_at BIGINT,
    PRIMARY KEY (change_id, position)
);
