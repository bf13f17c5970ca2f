-- Task, Event and EmailMessage as one stream; "account" is the Account that each reaches. Read over seen_*, where
-- every column is there and is null when the org does not show it.
-- A recurring series and an invitee's copy are not activities of their own; list email is nobody's contact.
CREATE OR REPLACE TEMP VIEW activity AS
SELECT
    t."Id",
    t."AccountId" AS account,
    least(CAST(timezone(r.zone, timezone('UTC', t."CompletedDateTime")) AS DATE), t."ActivityDate") AS date,
    t."IsClosed" AS done,
    coalesce(t."TaskSubtype" = 'Call' AND t."IsClosed"
        AND coalesce(t."CallDurationInSeconds" > 0, lower(t."CallDisposition") LIKE 'connect%', TRUE), FALSE) AS two_way,
    CASE t."TaskSubtype" WHEN 'Call' THEN 'call' WHEN 'Email' THEN 'email' ELSE 'task' END AS channel,
    t."Subject" AS subject,
    t."OwnerId" AS owner
FROM seen_task AS t CROSS JOIN this_run AS r
WHERE NOT t."IsDeleted" AND NOT coalesce(t."IsRecurrence", FALSE) AND t."TaskSubtype" IS DISTINCT FROM 'ListEmail'
    AND (t.our_key IS NULL OR split_part(t.our_key, ':', 1) || ':' || split_part(t.our_key, ':', 2) IN (SELECT name FROM counted_ctas))
    AND t."Id" NOT IN (SELECT "ActivityId" FROM seen_email WHERE "ActivityId" IS NOT NULL AND NOT "IsDeleted")
UNION ALL
SELECT
    e."Id",
    e."AccountId",
    CASE WHEN e."IsAllDayEvent" THEN e."ActivityDate"
        ELSE CAST(timezone(r.zone, timezone('UTC', e."EndDateTime")) AS DATE) END,
    CASE WHEN e."IsAllDayEvent" THEN e."ActivityDate" < r.today ELSE e."EndDateTime" <= r.as_of END,
    CASE WHEN e."IsAllDayEvent" THEN e."ActivityDate" < r.today ELSE e."EndDateTime" <= r.as_of END,
    'meeting',
    e."Subject",
    e."OwnerId"
FROM seen_event AS e CROSS JOIN this_run AS r
WHERE NOT e."IsDeleted" AND NOT coalesce(e."IsRecurrence", FALSE) AND NOT coalesce(e."IsChild", FALSE)
UNION ALL
SELECT
    m."Id",
    coalesce(t."AccountId", o."AccountId", c."AccountId", a."Id"),
    CAST(timezone(r.zone, timezone('UTC', m."MessageDate")) AS DATE),
    m."MessageDate" <= r.as_of,
    coalesce(m."Incoming", FALSE),
    'email',
    m."Subject",
    t."OwnerId"
FROM seen_email AS m CROSS JOIN this_run AS r
LEFT JOIN seen_task AS t ON t."Id" = m."ActivityId"
LEFT JOIN seen_opportunity AS o ON o."Id" = m."RelatedToId"
LEFT JOIN seen_case AS c ON c."Id" = m."ParentId"
LEFT JOIN seen_account AS a ON a."Id" = m."RelatedToId"
WHERE NOT m."IsDeleted"
