-- Under what everybody's rules are judged first: stage, first day of the visit, segment.
CREATE OR REPLACE TEMP TABLE standing AS
SELECT
    m.subject,
    coalesce(m.live, '') AS stage,
    CASE
        WHEN coalesce(m.live, '') = '' THEN NULL
        WHEN m.pinned IS NOT NULL THEN m.began
        WHEN NOT m.ours AND m.entered <= r.today THEN m.entered
        ELSE r.today
    END AS since,
    coalesce(m.pinned, j."segment now") AS segment
FROM memory AS m JOIN judged AS j ON j.subject = m.subject CROSS JOIN this_run AS r
