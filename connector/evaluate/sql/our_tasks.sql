-- The Tasks of ours for this model, deleted ones included: name is the CTA or playbook.step, part the period or the
-- first day of the visit.
CREATE OR REPLACE TEMP TABLE our_tasks AS
SELECT
    t."Id" AS id,
    t.our_key AS key,
    split_part(t.our_key, ':', 2) AS name,
    split_part(t.our_key, ':', 3) AS subject,
    split_part(t.our_key, ':', 4) AS part,
    t."IsClosed" AND NOT t."IsDeleted" AND t."Status" IS DISTINCT FROM r.not_needed AS done,
    NOT t."IsClosed" AND NOT t."IsDeleted" AS open,
    t."IsDeleted" AS is_deleted,
    t."IsClosed" AS is_closed,
    t."Status" AS status,
    t."OwnerId" AS owner,
    t."CreatedDate" AS created,
    t."CompletedDateTime" AS completed,
    t."ActivityDate" AS due,
    t."SystemModstamp" AS changed
FROM seen_task AS t CROSS JOIN this_run AS r
WHERE split_part(t.our_key, ':', 1) = r.model
