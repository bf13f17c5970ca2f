-- What the mirror knows about itself. The records are in schema org, one table per sObject, made by Mirror.ensure.
CREATE SCHEMA IF NOT EXISTS org;
CREATE SCHEMA IF NOT EXISTS meta;
CREATE TABLE IF NOT EXISTS meta.entries (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
-- How far each object has been completely read, in org time (UTC).
CREATE TABLE IF NOT EXISTS meta.cursors (sobject VARCHAR NOT NULL, cursor TIMESTAMP NOT NULL);
-- Describes as the org sent them, with the org time at which they were asked for.
CREATE TABLE IF NOT EXISTS meta.describes (sobject VARCHAR NOT NULL, body VARCHAR NOT NULL, read_at TIMESTAMP NOT NULL);
