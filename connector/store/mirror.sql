-- What the mirror knows about itself. The records are in schema org, one table per sObject, made by Mirror.ensure.
CREATE SCHEMA IF NOT EXISTS org;
CREATE SCHEMA IF NOT EXISTS meta;
CREATE TABLE IF NOT EXISTS meta.entries (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
-- How far each object has been completely read, in org time (UTC).
CREATE TABLE IF NOT EXISTS meta.cursors (sobject VARCHAR NOT NULL, cursor TIMESTAMP NOT NULL);
-- Describes as the org sent them, with the org times at which they were asked for, last found unchanged, and changed.
CREATE TABLE IF NOT EXISTS meta.describes (
    sobject VARCHAR NOT NULL, body VARCHAR NOT NULL, read_at TIMESTAMP NOT NULL, checked_at TIMESTAMP NOT NULL,
    modified_at TIMESTAMP NOT NULL);
-- The same as they were when the mappings last made sense of them: what changes under a mapping is told by them.
CREATE TABLE IF NOT EXISTS meta.good_describes (sobject VARCHAR NOT NULL, body VARCHAR NOT NULL, read_at TIMESTAMP NOT NULL);
-- Columns whose values have not been read for every record yet: no rule may use them.
CREATE TABLE IF NOT EXISTS meta.pending (sobject VARCHAR NOT NULL, field VARCHAR NOT NULL);
-- Records that children of merged or converted ones went to, without being stamped: they have to be read again.
CREATE TABLE IF NOT EXISTS meta.moves (sobject VARCHAR NOT NULL, id VARCHAR NOT NULL);
-- Readings of several pages that are under way; their rows are in the object's incoming table.
CREATE TABLE IF NOT EXISTS meta.readings (
    sobject VARCHAR NOT NULL, purpose VARCHAR NOT NULL, fields VARCHAR NOT NULL, soql VARCHAR NOT NULL,
    api_version VARCHAR NOT NULL, begun TIMESTAMP NOT NULL, cursor TIMESTAMP, job VARCHAR NOT NULL,
    locator VARCHAR NOT NULL, announced BIGINT, records BIGINT NOT NULL, pages BIGINT NOT NULL);
-- Bulk jobs whose results are in the mirror or are no longer wanted, and that the org still keeps.
CREATE TABLE IF NOT EXISTS meta.spent_jobs (job VARCHAR NOT NULL);
