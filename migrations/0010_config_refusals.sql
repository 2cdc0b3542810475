-- How many of its tries the cluster refused for certain: when that is all of them, nothing of a ConfigMap's write is on its way.
-- Where resource_version is `withdrawn`, its bytes are not sent again, and others are made.
ALTER TABLE change_config_writes ADD COLUMN refused BIGINT;
