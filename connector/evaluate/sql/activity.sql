-- Task, Event and EmailMessage as one stream; "account" is the Account that each reaches. Read over seen_*, where
-- every column is there and is null when the org does not show it.

-- Meetings to which people of the customer were invited, and all of them declined. Without Shared Activities an
-- EventRelation is always an invitation; with them it may only say whom the meeting is about.
CREATE OR REPLACE TEMP VIEW declined AS
SELECT "EventId" AS id
FROM seen_invitation
WHERE NOT "IsDeleted" AND coalesce("IsInvitee", TRUE) AND left("RelationId", 3) IN ('003', '00Q')
GROUP BY "EventId"
HAVING bool_and("Status" IS NOT DISTINCT FROM 'Declined');

-- A recurring series (the head of a Classic one, the pattern of a Lightning one) and an invitee's copy are not
-- activities of their own, list email is nobody's contact, a draft was never sent. The Task that Salesforce keeps beside
-- an email is that email. Private events are about nothing and nobody, so they reach no Account.
-- "given" is Salesforce's own answer to whose an activity is; what and parent are what it is about, who is with whom.
CREATE OR REPLACE TEMP VIEW activities AS
SELECT
    t."Id",
    t."AccountId" AS given, t."WhatId" AS what, NULL AS parent, t."WhoId" AS who,
    least(CAST(timezone(r.zone, timezone('UTC', t."CompletedDateTime")) AS DATE), t."ActivityDate") AS date,
    t."IsClosed" AS done,
    coalesce(t."TaskSubtype" = 'Call' AND t."IsClosed"
        AND coalesce(t."CallDurationInSeconds" > 0, lower(t."CallDisposition") LIKE 'connect%', TRUE), FALSE) AS two_way,
    CASE t."TaskSubtype" WHEN 'Call' THEN 'call' WHEN 'Email' THEN 'email' ELSE 'task' END AS channel,
    t."Subject" AS subject,
    t."OwnerId" AS owner
FROM seen_task AS t CROSS JOIN this_run AS r
WHERE NOT t."IsDeleted" AND NOT coalesce(t."IsRecurrence", FALSE) AND t."TaskSubtype" IS DISTINCT FROM 'ListEmail'
    AND (coalesce(t.our_key, '') = '' OR split_part(t.our_key, ':', 1) || ':' || split_part(t.our_key, ':', 2) IN (SELECT name FROM counted_ctas))
    AND t."Id" NOT IN (SELECT "ActivityId" FROM seen_email WHERE "ActivityId" IS NOT NULL AND NOT "IsDeleted")
UNION ALL
SELECT
    e."Id",
    e."AccountId", e."WhatId", NULL, e."WhoId",
    CASE WHEN e."IsAllDayEvent" THEN e."ActivityDate"
        ELSE CAST(timezone(r.zone, timezone('UTC', e."EndDateTime")) AS DATE) END,
    CASE WHEN e."IsAllDayEvent" THEN e."ActivityDate" < r.today ELSE e."EndDateTime" <= r.as_of END AS past,
    past AND e."Id" NOT IN (SELECT id FROM declined),
    'meeting',
    e."Subject",
    e."OwnerId"
FROM seen_event AS e CROSS JOIN this_run AS r
WHERE NOT e."IsDeleted" AND NOT coalesce(e."IsRecurrence", FALSE) AND NOT coalesce(e."IsChild", FALSE)
    AND e."GroupEventType" IS DISTINCT FROM '3'
UNION ALL
SELECT
    m."Id",
    t."AccountId", coalesce(m."RelatedToId", t."WhatId"), m."ParentId", t."WhoId",
    CAST(timezone(r.zone, timezone('UTC', m."MessageDate")) AS DATE),
    m."MessageDate" <= r.as_of,
    coalesce(m."Incoming", FALSE),
    'email',
    m."Subject",
    t."OwnerId"
FROM seen_email AS m CROSS JOIN this_run AS r
LEFT JOIN seen_task AS t ON t."Id" = m."ActivityId"
WHERE NOT m."IsDeleted" AND m."Status" IS DISTINCT FROM '5' AND t."TaskSubtype" IS DISTINCT FROM 'ListEmail';

-- What an activity can be about, with the Account behind it. The Contact of a person account belongs to that account.
CREATE OR REPLACE TEMP VIEW reaching AS
SELECT "Id" AS id, "Id" AS account FROM seen_account
UNION ALL SELECT "Id", "AccountId" FROM seen_opportunity
UNION ALL SELECT "Id", "AccountId" FROM seen_case
UNION ALL SELECT "Id", "AccountId" FROM seen_contract
UNION ALL SELECT "Id", "AccountId" FROM seen_asset
UNION ALL SELECT "Id", "AccountId" FROM seen_contact
UNION ALL SELECT "Id", "ConvertedAccountId" FROM seen_lead WHERE "IsConverted";

-- Few activities are without Salesforce's own answer, so only what those name is looked up.
CREATE OR REPLACE TEMP VIEW activity AS
WITH looked_up AS MATERIALIZED (
    SELECT id, account FROM reaching
    WHERE id IN (SELECT unnest([what, parent, who]) FROM activities WHERE given IS NULL)
)
SELECT
    a."Id", coalesce(a.given, what.account, parent.account, who.account) AS account,
    a.date, a.done, a.two_way, a.channel, a.subject, a.owner
FROM activities AS a
LEFT JOIN looked_up AS what ON what.id = a.what
LEFT JOIN looked_up AS parent ON parent.id = a.parent
LEFT JOIN looked_up AS who ON who.id = a.who
