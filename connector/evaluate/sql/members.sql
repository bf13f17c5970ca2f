-- CampaignMembers with the person that each stands for and the Account that the person belongs to; a person who was
-- added as a Lead and again as the Contact that it became counts once.
CREATE OR REPLACE TEMP VIEW members AS
SELECT
    m.*,
    coalesce(m."ContactId", l."ConvertedContactId", m."LeadId") AS person,
    coalesce(c."AccountId", CASE WHEN l."IsConverted" THEN l."ConvertedAccountId" END) AS account
FROM seen_member AS m
LEFT JOIN seen_lead AS l ON l."Id" = m."LeadId"
LEFT JOIN seen_contact AS c ON c."Id" = coalesce(m."ContactId", l."ConvertedContactId")
QUALIFY m."IsDeleted"
    OR row_number() OVER (PARTITION BY m."IsDeleted", m."CampaignId", person ORDER BY m."Id") = 1
