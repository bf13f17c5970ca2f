-- What the org remembers of every live subject: the state field taken apart. opening.py reads it exactly, for the
-- candidates only; this says quickly, for everybody, under what the rules are judged first and whom to look at.
CREATE OR REPLACE TEMP TABLE memory AS
WITH pulled AS (
    SELECT
        s."Id" AS subject, coalesce(s.stage, '') AS stage, s.state_text, s.entered, coalesce(s.proposed, '') AS proposed,
        coalesce(s.override_stage, '') AS override_stage, s.override_until,
        CASE WHEN json_valid(s.state_text) THEN CAST(s.state_text AS JSON) END AS state
    FROM seen_subject AS s CROSS JOIN this_run AS r
    WHERE NOT s."IsDeleted" AND (r.everybody OR s."Id" IN (SELECT subject FROM wanted))
), apart AS (
    SELECT
        p.* EXCLUDE (state),
        CASE WHEN p.stage = '' THEN '' ELSE k.key END AS live,
        coalesce(json_extract_string(p.state, '$.v') = r.state_format
            AND json_extract_string(p.state, '$.rec') = p.subject
            AND json_extract_string(p.state, '$.org') = r.org, FALSE) AS ours,
        coalesce(json_extract_string(p.state, '$.stage'), '') AS was,
        TRY_CAST(json_extract_string(p.state, '$.since') AS DATE) AS began,
        coalesce(json_extract_string(p.state, '$.seg'), '') AS pinned,
        coalesce(json_extract_string(p.state, '$.via'), '') AS via,
        coalesce(json_extract_string(p.state, '$.prop'), '') AS proposal,
        coalesce(json_extract_string(p.state, '$.left'), '') AS left_stage,
        json_extract_string(p.state, '$.out') IS NOT NULL AS outside,
        json_extract_string(p.state, '$.ovr') IS NOT NULL AS overridden,
        json_extract_string(p.state, '$.timers') IS NOT NULL AS timing,
        coalesce(json_extract_string(p.state, '$.by'), '') AS written_by
    FROM pulled AS p CROSS JOIN this_run AS r
    LEFT JOIN stage_keys AS k ON k.value = p.stage
)
SELECT
    a.* EXCLUDE (pinned),
    -- The visit goes on: what was pinned when it began still counts. Null where a visit is yet to begin.
    CASE WHEN a.ours AND a.was <> '' AND a.was = a.live THEN a.pinned END AS pinned,
    -- Stage, memory and the fields around them agree, so that only rules can change anything.
    (a.ours OR a.state_text IS NULL) AND a.live IS NOT DISTINCT FROM a.was AND a.override_stage = '' AND NOT a.overridden
        AND a.via <> r.override AND (a.proposal = '') = (a.proposed = '') AS settled,
    a.ours AND a.written_by <> '' AND r.installation <> '' AND a.written_by <> r.installation AS foreign_hand
FROM apart AS a CROSS JOIN this_run AS r
