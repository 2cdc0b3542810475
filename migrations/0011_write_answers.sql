-- Of the tries of a change's write: how many were answered with a certain no, and how many of those because the object had moved on.
-- Tries beyond `refused` may still arrive. A new intent of a patch makes all earlier ones certain: none of them fits the object any more.
ALTER TABLE change_writes ADD COLUMN refused BIGINT;
ALTER TABLE change_writes ADD COLUMN conflicts BIGINT;
