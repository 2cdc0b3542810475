-- What the ConfigMaps of a release held when it was deployed. The same data is kept once.
CREATE TABLE config_data (
    sha256 TEXT PRIMARY KEY,
    data TEXT NOT NULL
);

CREATE TABLE deployment_config (
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
    name TEXT NOT NULL,
    -- NULL: there was no such ConfigMap.
    sha256 TEXT REFERENCES config_data (sha256),
    PRIMARY KEY (deployment_id, name)
);

-- 1: its ConfigMaps were written down, also when there are none.
ALTER TABLE deployments ADD COLUMN config BIGINT NOT NULL DEFAULT 0;

CREATE INDEX audit_by_target ON audit (target, seq);
